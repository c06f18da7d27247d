/// A journal's storage in simulations, which watches the order of what comes.
#pragma once

#include "tests/effects/simulated_world.hpp"

namespace graftline::test {

/// The journal's storage: a batch is committed when the schedule says so.
class held_batches : public effects::journal_storage {
public:
    explicit held_batches(kept_records& kept) : kept_(kept) {}

    void write(const std::vector<effects::journal_record>& records,
               std::function<void(std::optional<fault>)> written) override
    {
        waiting_ = &records;
        written_ = std::move(written);
    }
    bool holds_one() const { return waiting_ != nullptr; }
    /// Committed; the program's process has not heard of it yet.
    void keep()
    {
        kept_.add(*waiting_);
        for (const auto& r : *waiting_)
            note(r);
    }
    void tell(std::optional<fault> failed)
    {
        waiting_ = nullptr;
        const auto written = std::exchange(written_, nullptr);
        written(std::move(failed));
    }
    /// As its process dies.
    void drop()
    {
        waiting_ = nullptr;
        written_ = nullptr;
    }
    /// On record, by this or an earlier life.
    void note(const effects::journal_record& r)
    {
        auto complain = [&](const std::string& what) {
            if (wrong_.empty()) wrong_ = r.path + ": " + what;
        };
        auto& seen = effects_[r.path];
        switch (r.event) {
        case effects::journal_event::requested:
            if (seen.requested++ > 0) complain("requested twice");
            break;
        case effects::journal_event::started:
            if (seen.requested == 0) complain("started before it was requested");
            if (seen.resolved > 0) complain("started after it was resolved");
            if (r.detail != ++seen.started) complain("attempts are not counted");
            break;
        case effects::journal_event::resolved:
            if (seen.started == 0) complain("resolved before it was started");
            if (seen.resolved++ > 0) complain("resolved twice");
            break;
        case effects::journal_event::delivered:
            if (seen.resolved == 0) complain("delivered before it was resolved");
            if (seen.delivered++ > 0) complain("delivered twice");
            ++delivered_;
            break;
        case effects::journal_event::put_off:
        case effects::journal_event::task:
        case effects::journal_event::run: break;
        }
    }
    bool is_requested(const std::string& path) const
    {
        const auto found = effects_.find(path);
        return found != effects_.end() && found->second.requested > 0;
    }
    bool is_resolved(const std::string& path) const
    {
        const auto found = effects_.find(path);
        return found != effects_.end() && found->second.resolved > 0;
    }
    std::size_t delivered() const { return delivered_; }
    const std::string& wrong() const { return wrong_; }

private:
    struct counts {
        int requested = 0, started = 0, resolved = 0, delivered = 0;
    };
    kept_records& kept_;
    const std::vector<effects::journal_record>* waiting_ = nullptr;
    std::function<void(std::optional<fault>)> written_;
    std::map<std::string, counts> effects_;
    std::size_t delivered_ = 0;
    std::string wrong_;
};

} // namespace graftline::test
