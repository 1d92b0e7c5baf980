// What a shell offers for a command line that is being typed, from the tree of commands itself.
#ifndef DEEPBINDNET_CLIENT_COMPLETION_H_
#define DEEPBINDNET_CLIENT_COMPLETION_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace deepbindnet::client {

struct Candidate {
  std::string word;
  std::string help;  // A line for people; may be empty.
};

struct Completion {
  // Where the candidates are from: the tree, the shell, or the server.
  enum class Source { kTree, kFiles, kDirectories, kJobs, kDatasets, kModels };
  Source source = Source::kTree;
  std::vector<Candidate> candidates;   // Of the tree; each begins with `prefix` and `typed`.
  std::string prefix;                  // "--option=" where the value follows in the same word.
  std::string typed;                   // The rest of the last word.
  std::vector<std::string> arguments;  // Options for the whole command line among the words before, with their values.
};

// `words` are those after the program's name as they were typed, quotes and all; the last one, which may be empty, is
// completed. What an option or argument takes is its type's name in `app`: FILE, DIR, JOB, DATASET, MODEL, BOOL, "a|b",
// or a set of words to choose from.
Completion Complete(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COMPLETION_H_
