#include "graftline/agents/document/document.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace graftline::agents {
namespace {

namespace json = boost::json;
using any_value = decltype(document_value::value);

constexpr std::size_t deepest_document = 256; // as the reader of TOML has it

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Walks a text and counts lines and columns.
class cursor {
public:
    explicit cursor(std::string_view text) : text_(text) {}

    place here() const { return where_; }
    std::size_t offset() const { return at_; }
    char now() const { return text_[at_]; }
    void advance(std::size_t bytes)
    {
        for (; bytes > 0 && at_ < text_.size(); --bytes, ++at_) {
            if (text_[at_] == '\n')
                where_ = {where_.line + 1, 1};
            else if ((static_cast<unsigned char>(text_[at_]) & 0xC0) != 0x80)
                ++where_.column;
        }
    }
    void skip_blanks()
    {
        while (at_ < text_.size() && is_blank(now()))
            advance(1);
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    place where_;
};

place place_of(std::string_view text, std::size_t offset)
{
    cursor c(text);
    c.advance(offset);
    return c.here();
}

/// Reads a text that is known to be JSON; only what JSON leaves open can still be wrong.
class tree_reader {
public:
    tree_reader(std::string_view text, std::string_view file) : text_(text), file_(file), at_(text) {}

    document_value value()
    {
        at_.skip_blanks();
        const place where = at_.here();
        if (at_.now() == '{') return {where, table()};
        if (at_.now() == '[') return {where, list()};
        return {where, scalar()};
    }
    const std::optional<fault>& wrong() const { return wrong_; }

private:
    document_table table()
    {
        document_table members;
        std::set<std::string> seen;
        for (step(); at_.now() != '}'; more('}')) {
            const place where = at_.here();
            std::string key = std::get<std::string>(scalar());
            at_.skip_blanks();
            step(); // the colon
            if (!seen.insert(key).second && !wrong_)
                wrong_ = fault_at(file_, where, "the key '" + key + "' is there twice");
            members.push_back({std::move(key), where, value()});
        }
        at_.advance(1);
        return members;
    }

    document_list list()
    {
        document_list items;
        for (step(); at_.now() != ']'; more(']'))
            items.push_back(value());
        at_.advance(1);
        return items;
    }

    void step()
    {
        at_.advance(1);
        at_.skip_blanks();
    }
    /// After an item: over the comma, or to the end of the list.
    void more(char end)
    {
        at_.skip_blanks();
        if (at_.now() != end) step();
    }

    std::size_t string_end(std::size_t start) const
    {
        std::size_t at = start + 1;
        while (text_[at] != '"')
            at += text_[at] == '\\' ? 2 : 1;
        return at + 1;
    }

    any_value scalar()
    {
        const std::size_t start = at_.offset();
        const std::size_t end =
            at_.now() == '"' ? string_end(start) : text_.find_first_of(" \t\r\n,]}", start);
        at_.advance(std::min(end, text_.size()) - start);
        return plain(json::parse(text_.substr(start, end - start)));
    }

    static any_value plain(const json::value& v)
    {
        if (v.is_string()) return std::string(v.get_string());
        if (v.is_bool()) return v.get_bool();
        if (v.is_int64()) return v.get_int64();
        if (v.is_number()) return v.to_number<double>();
        return nullptr;
    }

    std::string_view text_;
    std::string_view file_;
    cursor at_;
    std::optional<fault> wrong_;
};

} // namespace

result<document_value> read_json(std::string_view text, std::string_view file)
{
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    json::parse_options options;
    options.max_depth = deepest_document;
    json::parser check({}, options);
    json::error_code failed;
    std::size_t read = check.write_some(text.data(), text.size(), failed);
    if (!failed) {
        while (read < text.size() && is_blank(text[read]))
            ++read;
        if (read < text.size())
            return fault_at(file, place_of(text, read), "there is more text after the JSON value");
    }
    if (failed == json::error::incomplete)
        return fault_at(file, place_of(text, read), "not JSON: the text ends too early");
    if (failed) return fault_at(file, place_of(text, read), "not JSON: " + failed.message());
    tree_reader tree(text, file);
    auto root = tree.value();
    if (tree.wrong()) return *tree.wrong();
    return root;
}

} // namespace graftline::agents
