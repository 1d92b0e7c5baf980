#include "client/completion.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace deepbindnet::client {
namespace {

// `typed` as a shell reads it, but for what it would have to run or look up.
std::string Unquote(const std::string& typed) {
  std::string word;
  char quote = '\0';
  for (size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    if (c == '\\' && quote != '\'' && i + 1 < typed.size()) {
      word += typed[++i];
    } else if (quote == '\0' ? c == '\'' || c == '"' : c == quote) {
      quote = quote == '\0' ? c : '\0';
    } else {
      word += c;
    }
  }
  const char* home = std::getenv("HOME");
  return home != nullptr && absl::StartsWith(typed, "~/") ? absl::StrCat(home, word.substr(1)) : word;
}

bool IsHidden(const std::string& group) { return group.empty(); }

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !IsHidden(command->get_group()); });
}

// "--name" or "-n" without a value, in the hyphen form.
std::string OptionName(absl::string_view word) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
  return absl::StrReplaceAll(parts.first, {{"_", "-"}});
}

// Of `app` or of the commands that it is in.
const CLI::Option* FindOption(const CLI::App* app, absl::string_view word) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(OptionName(word)); option != nullptr) return option;
  }
  return nullptr;
}

bool LooksLikeOption(absl::string_view word) { return word.size() > 1 && word[0] == '-'; }

// The words that a type's name says to choose from.
std::vector<std::string> Choices(const std::string& type) {
  if (type == "BOOL") return {"true", "false"};
  if (absl::StrContains(type, '|')) return absl::StrSplit(type, '|');
  const size_t begin = type.find('{');
  if (begin == std::string::npos || type.back() != '}') return {};
  return absl::StrSplit(type.substr(begin + 1, type.size() - begin - 2), ',');
}

Completion::Source SourceOf(const std::string& type) {
  if (type == "FILE") return Completion::Source::kFiles;
  if (type == "DIR") return Completion::Source::kDirectories;
  if (type == "JOB") return Completion::Source::kJobs;
  if (type == "DATASET") return Completion::Source::kDatasets;
  if (type == "MODEL") return Completion::Source::kModels;
  return Completion::Source::kTree;
}

// Goes through the words before the one that is completed.
class Walk {
 public:
  explicit Walk(const CLI::App* root) : command_(root), root_(root) {}

  void Step(const std::string& word);
  Completion Finish(const std::string& last) const;

 private:
  bool IsGlobal(const CLI::Option* option) const {
    return root_->get_option_no_throw(option->get_name()) == option && option != root_->get_help_ptr() &&
           option != root_->get_version_ptr();
  }
  void StepOption(const std::string& word);
  void AddOptions(Completion* completion) const;
  void AddValues(const CLI::Option* option, Completion* completion) const;
  static void Add(const std::string& word, const std::string& help, Completion* completion);
  // The argument that the next word would be; null where there is none.
  const CLI::Option* NextPositional() const;

  const CLI::App* command_;  // The innermost that was named.
  const CLI::App* const root_;
  const CLI::Option* open_ = nullptr;  // Takes the next word.
  int values_ = 0;                     // That open_ has.
  int positionals_ = 0;                // Words that were arguments of command_.
  bool options_ended_ = false;         // "--" was given.
  std::vector<std::string> arguments_;
};

void Walk::StepOption(const std::string& word) {
  open_ = FindOption(command_, word);
  values_ = 0;
  if (open_ == nullptr) return;
  if (IsGlobal(open_)) arguments_.push_back(word);
  if (absl::StrContains(word, '=') || open_->get_items_expected_max() == 0) open_ = nullptr;
}

void Walk::Step(const std::string& word) {
  if (open_ != nullptr && !LooksLikeOption(word)) {
    if (IsGlobal(open_)) arguments_.push_back(word);
    if (++values_ >= open_->get_items_expected_max()) open_ = nullptr;
    return;
  }
  if (word == "--") {
    options_ended_ = true;
    open_ = nullptr;
    return;
  }
  if (LooksLikeOption(word) && !options_ended_) return StepOption(word);
  for (const CLI::App* command : Commands(*command_)) {
    if (command->get_name() != word) continue;
    command_ = command;
    positionals_ = 0;
    return;
  }
  ++positionals_;
}

const CLI::Option* Walk::NextPositional() const {
  int before = positionals_;
  for (const CLI::Option* option : command_->get_options()) {
    if (!option->get_positional()) continue;
    if (before < option->get_items_expected_max()) return option;
    before -= option->get_items_expected_max();
  }
  return nullptr;
}

void Walk::Add(const std::string& word, const std::string& help, Completion* completion) {
  if (absl::StartsWith(word, completion->typed)) {
    completion->candidates.push_back({absl::StrCat(completion->prefix, word), help});
  }
}

void Walk::AddOptions(Completion* completion) const {
  completion->typed = absl::StrReplaceAll(completion->typed, {{"_", "-"}});
  for (const CLI::App* app = command_; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      const bool of_outer_command = app != command_ && option == app->get_help_ptr();
      if (IsHidden(option->get_group()) || of_outer_command) continue;
      for (const std::string& name : option->get_lnames()) {
        Add(absl::StrCat("--", name), option->get_description(), completion);
      }
    }
  }
}

void Walk::AddValues(const CLI::Option* option, Completion* completion) const {
  const std::string type = option->get_type_name();
  completion->source = SourceOf(type);
  for (const std::string& choice : Choices(type)) Add(choice, "", completion);
}

Completion Walk::Finish(const std::string& last) const {
  Completion completion;
  completion.typed = last;
  completion.arguments = arguments_;
  if (absl::StartsWith(last, "-") && !options_ended_) {
    const size_t equals = last.find('=');
    const CLI::Option* option = FindOption(command_, last);
    if (equals == std::string::npos) {
      AddOptions(&completion);
    } else if (option != nullptr) {
      completion.prefix = last.substr(0, equals + 1);
      completion.typed = last.substr(equals + 1);
      AddValues(option, &completion);
    }
    return completion;
  }
  if (open_ != nullptr) {
    AddValues(open_, &completion);
    return completion;
  }
  const std::vector<const CLI::App*> commands = Commands(*command_);
  if (!commands.empty() && positionals_ > 0) return completion;  // After a word that is no command.
  for (const CLI::App* command : commands) Add(command->get_name(), command->get_description(), &completion);
  const CLI::Option* positional = NextPositional();
  if (positional != nullptr) AddValues(positional, &completion);
  if (positional == nullptr && commands.empty() && last.empty()) AddOptions(&completion);
  return completion;
}

}  // namespace

Completion Complete(const CLI::App& app, const std::vector<std::string>& words) {
  Walk walk(&app);
  if (words.empty()) return walk.Finish("");
  for (auto word = words.begin(); word + 1 != words.end(); ++word) walk.Step(Unquote(*word));
  return walk.Finish(Unquote(words.back()));
}

}  // namespace deepbindnet::client
