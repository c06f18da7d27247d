#include "graftline/cli/arguments/completion.hpp"

#include <algorithm>

namespace graftline::cli {
namespace {

std::string joined(const std::vector<std::string>& words)
{
    std::string line;
    for (const auto& word : words)
        line += (line.empty() ? "" : " ") + word;
    return line;
}

/// Within single quotes of a POSIX shell; fish wants a backslash there, which its caller uses.
std::string quoted_text(const std::string& text)
{
    std::string safe = "'";
    for (char c : text)
        safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return safe + "'";
}

std::string names_of(const std::vector<command_description>& commands)
{
    std::string line;
    for (const auto& c : commands)
        line += (line.empty() ? "" : " ") + c.name;
    return line;
}

std::string options_of(const command_description& command)
{
    std::string line;
    for (const auto& o : command.options)
        line += (line.empty() ? "" : " ") + joined(o.names);
    return line;
}

/// What may follow a command's options.
std::string operands_of(const command_description& command)
{
    if (command.takes_task) return "$(graftline completion tasks 2>/dev/null | cut -f1)";
    return command.name == "completion" ? "bash zsh fish" : "";
}

std::string bash(const std::vector<command_description>& commands)
{
    std::string text =
        "# graftline completion for bash: source <(graftline completion bash)\n"
        "_graftline() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "            -C|--color) ((i++)) ;;\n"
        "            -*) ;;\n"
        "            *) command=${COMP_WORDS[i]}; break ;;\n"
        "        esac\n"
        "    done\n"
        "    COMPREPLY=()\n"
        "    case $before in\n"
        "        -C) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
        "        --from|--plan) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
        "        --base|--target) COMPREPLY=($(compgen -W "
        "\"$(git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null)\" -- \"$word\")); return "
        ";;\n";
    std::vector<std::string> seen;
    for (const auto& c : commands)
        for (const auto& o : c.options) {
            if (o.choices.empty() || !o.takes_value || std::ranges::count(seen, o.names.front())) continue;
            seen.push_back(o.names.front());
            text += "        " + o.names.front() + ") COMPREPLY=($(compgen -W '" + joined(o.choices) +
                    "' -- \"$word\")); return ;;\n";
        }
    text += "    esac\n    case $command in\n"
            "        '') COMPREPLY=($(compgen -W '" +
            names_of(commands) + " --help --version' -- \"$word\")) ;;\n";
    for (const auto& c : commands) {
        text += "        " + c.name + ")\n            if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '" +
                options_of(c) + "' -- \"$word\"))\n";
        if (const auto operands = operands_of(c); !operands.empty())
            text += "            else COMPREPLY=($(compgen -W \"" + operands + "\" -- \"$word\"))\n";
        text += "            fi ;;\n";
    }
    return text + "    esac\n}\ncomplete -F _graftline graftline\n";
}

std::string zsh_text(std::string text)
{
    std::string safe;
    for (char c : text) {
        if (c == '[' || c == ']' || c == ':') safe += '\\';
        safe += c;
    }
    return quoted_text(safe).substr(1, quoted_text(safe).size() - 2);
}

std::string zsh(const std::vector<command_description>& commands)
{
    std::string text =
        "#compdef graftline\n"
        "# graftline completion for zsh: graftline completion zsh > a folder of $fpath/_graftline\n"
        "_graftline_tasks() {\n"
        "    local -a tasks\n"
        "    tasks=(${(f)\"$(graftline completion tasks 2>/dev/null | sed 's/:/\\\\:/g; s/\\t/:/')\"})\n"
        "    _describe task tasks\n"
        "}\n"
        "_graftline() {\n"
        "    local -a commands\n    commands=(\n";
    for (const auto& c : commands)
        text += "        '" + c.name + ":" + zsh_text(c.description) + "'\n";
    text += "    )\n"
            "    if (( CURRENT == 2 )); then\n"
            "        _describe command commands\n        return\n    fi\n"
            "    case ${words[2]} in\n";
    for (const auto& c : commands) {
        text += "        " + c.name + ")\n            _arguments -S \\\n";
        for (const auto& o : c.options)
            for (const auto& name : o.names) {
                text += "                '" + name + "[" + zsh_text(o.description) + "]";
                if (o.takes_value)
                    text += ":value:" + (o.choices.empty() ? "_files" : "(" + joined(o.choices) + ")");
                text += "' \\\n";
            }
        text += c.takes_task             ? "                '*:task:_graftline_tasks'"
                : c.name == "completion" ? "                '*:shell:(bash zsh fish)'"
                                         : "                '*:task:'";
        text += "\n            ;;\n";
    }
    return text + "    esac\n}\ncompdef _graftline graftline\n";
}

std::string fish_text(const std::string& text)
{
    std::string safe = "'";
    for (char c : text) {
        if (c == '\'' || c == '\\') safe += '\\';
        safe += c;
    }
    return safe + "'";
}

std::string fish(const std::vector<command_description>& commands)
{
    std::string text = "# graftline completion for fish: graftline completion fish | source\n"
                       "complete -c graftline -f\n";
    for (const auto& c : commands) {
        text += "complete -c graftline -n __fish_use_subcommand -a " + c.name + " -d " +
                fish_text(c.description) + "\n";
        const std::string when = "complete -c graftline -n '__fish_seen_subcommand_from " + c.name + "'";
        for (const auto& o : c.options) {
            text += when;
            for (const auto& name : o.names)
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (o.takes_value)
                text += o.choices.empty() ? " -r -F" : " -x -a " + fish_text(joined(o.choices));
            text += " -d " + fish_text(o.description) + "\n";
        }
        if (c.takes_task) text += when + " -a '(graftline completion tasks 2>/dev/null)'\n";
        if (c.name == "completion") text += when + " -a 'bash zsh fish'\n";
    }
    return text;
}

} // namespace

std::string completion_script(const std::string& shell, const std::vector<command_description>& commands)
{
    return shell == "bash" ? bash(commands) : shell == "zsh" ? zsh(commands) : fish(commands);
}

} // namespace graftline::cli
