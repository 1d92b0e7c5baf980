// The candidates, and the scripts that ask for them.
#include "client/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_join.h"
#include "client/completion_scripts.h"
#include "client/session.h"
#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CompletionTest : public CliTest {
 protected:
  CompletionTest() {
    service_.list_jobs = [](const v1::ListJobsRequest&, v1::ListJobsResponse* response) {
      for (const char* id : {"21", "17"}) {
        FillJob(v1::RUNNING, 1, response->add_jobs());
        response->mutable_jobs()->rbegin()->set_id(id);
      }
      return grpc::Status::OK;
    };
    service_.list_datasets = [](v1::ListDatasetsResponse* response) {
      response->add_datasets()->set_name("davis");
      response->add_datasets()->set_name("kiba");
      return grpc::Status::OK;
    };
    service_.list_models = [](v1::ListModelsResponse* response) {
      v1::Model* model = response->add_models();
      model->set_name("gated");
      model->set_dataset("kiba");
      model->add_aliases("default");
      return grpc::Status::OK;
    };
  }

  // Lines that the hidden command prints.
  std::vector<std::string> Lines(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    words.insert(words.begin(), "__complete");
    Console console(&out_, &err_, ConsoleMode::kPlain);
    EXPECT_EQ(RunCli(words, &console, nullptr), ExitCode::kDone);
    EXPECT_EQ(err_.str(), "");
    return absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  }
  // Their words alone.
  std::vector<std::string> Words(const std::vector<std::string>& words) {
    std::vector<std::string> candidates;
    for (const std::string& line : Lines(words)) candidates.push_back(line.substr(0, line.find('\t')));
    return candidates;
  }
  // With this server, which the words name.
  std::vector<std::string> WordsOfServer(std::vector<std::string> words) {
    words.insert(words.begin(), {"--server", server_.address()});
    return Words(words);
  }
};

TEST_F(CompletionTest, CommandsAreThoseOfTheTree) {
  EXPECT_THAT(Words({""}), AllOf(Contains("train"), Contains("jobs"), Contains("completion"), Not(Contains("list"))));
  EXPECT_THAT(Words({"d"}), ElementsAre("datasets"));
  EXPECT_THAT(Words({"jobs", "re"}), ElementsAre("resume"));
  EXPECT_THAT(Words({"--json", "jobs", "re"}), ElementsAre("resume"));
  EXPECT_THAT(Lines({"jobs", "res"}), ElementsAre("resume\tPut a paused job back in the queue"));
  EXPECT_THAT(Words({"__"}), IsEmpty());
}

TEST_F(CompletionTest, OptionsAreThoseOfTheCommandAndOfAll) {
  EXPECT_THAT(Words({"jobs", "pause", "m", "--"}),
              AllOf(Contains("--detach"), Contains("--server"), Contains("--help"), Not(Contains("--follow"))));
  EXPECT_THAT(Words({"train", "--hidden"}), ElementsAre("--hidden-dim"));
  EXPECT_THAT(Words({"train", "--hidden_d"}), ElementsAre("--hidden-dim"));
  EXPECT_THAT(Words({"train", "--", "--hidden"}), IsEmpty());
}

TEST_F(CompletionTest, OptionsAreOfferedWhereNothingElseCanFollow) {
  EXPECT_THAT(Words({"train", ""}), Contains("--dataset"));
  EXPECT_THAT(Words({"jobs", "status", "m", ""}), Contains("--json"));
}

TEST_F(CompletionTest, ValuesAreThoseThatTheOptionTakes) {
  EXPECT_THAT(Words({"jobs", "list", "--state", "paus"}), ElementsAre("paused", "pausing"));
  EXPECT_THAT(Words({"jobs", "list", "--state", "queued", "r"}), ElementsAre("running"));
  EXPECT_THAT(Words({"jobs", "list", "--state=q"}), ElementsAre("--state=queued"));
  EXPECT_THAT(Words({"jobs", "list", "--kind", ""}), ElementsAre("prepare_dataset", "train", "compare"));
  EXPECT_THAT(Words({"train", "--model_type", "g"}), ElementsAre("gated"));
  EXPECT_THAT(Words({"train", "--mixed-precision", ""}), ElementsAre("true", "false"));
  EXPECT_THAT(Words({"predict", "--explain-detail", ""}), ElementsAre("summary", "layers", "heads"));
  EXPECT_THAT(Words({"server", "log-level", ""}), ElementsAre("debug", "info", "warning", "error"));
  EXPECT_THAT(Words({"completion", ""}), ElementsAre("bash", "fish", "zsh"));
  EXPECT_THAT(Words({"train", "--lr", ""}), IsEmpty());
}

TEST_F(CompletionTest, FilesAndDirectoriesAreTheShells) {
  EXPECT_THAT(Words({"--tls-ca", ""}), ElementsAre(":files"));
  EXPECT_THAT(Words({"server", "status", "--token-file=x"}), ElementsAre(":files"));
  EXPECT_THAT(Words({"datasets", "prepare", ""}), ElementsAre(":files"));
  EXPECT_THAT(Words({"predict", "--input", "a"}), ElementsAre(":files"));
  EXPECT_THAT(Words({"predict", "--explain", ""}), ElementsAre(":directories"));
  EXPECT_THAT(Words({"jobs", "download", "m", "--output-dir", ""}), ElementsAre(":directories"));
}

TEST_F(CompletionTest, NamesAreTheServers) {
  EXPECT_THAT(WordsOfServer({"jobs", "status", ""}), ElementsAre("m", "21", "17"));
  EXPECT_THAT(WordsOfServer({"jobs", "delete", "m", "1"}), ElementsAre("17"));
  EXPECT_THAT(WordsOfServer({"datasets", "delete", ""}), ElementsAre("davis", "kiba"));
  EXPECT_THAT(WordsOfServer({"train", "--dataset", "k"}), ElementsAre("kiba"));
  EXPECT_THAT(WordsOfServer({"train", "--dataset=k"}), ElementsAre("--dataset=kiba"));
  EXPECT_THAT(WordsOfServer({"compare", "--models", "gated", ""}), ElementsAre("gated", "default"));
  EXPECT_THAT(WordsOfServer({"models", "show", "d"}), ElementsAre("default"));
  EXPECT_THAT(Lines({"jobs", "status", "2", "--server", server_.address(), ""}), Not(Contains(HasSubstr("21"))));
  EXPECT_THAT(Lines({"--server", "'" + server_.address() + "'", "jobs", "status", "2"}),
              ElementsAre("21\ttraining m, running"));
}

TEST_F(CompletionTest, TheServerOfTheEnvironmentIsAsked) {
  setenv("DEEPBINDNET_SERVER", server_.address().c_str(), 1);
  EXPECT_THAT(Words({"models", "download", "g"}), ElementsAre("gated"));
  unsetenv("DEEPBINDNET_SERVER");
}

TEST_F(CompletionTest, AnErrorIsSilence) {
  EXPECT_THAT(Words({"--server", "127.0.0.1:1", "jobs", "status", ""}), IsEmpty());
  EXPECT_THAT(Words({"--server", "nonsense", "jobs", "status", ""}), IsEmpty());
  EXPECT_THAT(Words({"--token-file", "/nowhere", "jobs", "status", ""}), IsEmpty());
  EXPECT_THAT(Words({"--no-such-option", "nothing", "\xff", ""}), IsEmpty());
  service_.list_jobs = [](const v1::ListJobsRequest&, v1::ListJobsResponse*) {
    return ErrorWithInfo(grpc::StatusCode::UNAUTHENTICATED, "who are you?", "NO_TOKEN");
  };
  EXPECT_THAT(WordsOfServer({"jobs", "status", ""}), IsEmpty());
}

TEST_F(CompletionTest, AScriptIsPrintedInJsonModeToo) {
  EXPECT_EQ(Run({"--json", "completion", "bash"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), CompletionScripts().at("bash") + "\n");
  EXPECT_EQ(Run({"completion", "csh"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("shell: 'csh' is not one of bash|fish|zsh"));
}

TEST_F(CompletionTest, EveryScriptAsksTheHiddenCommandAndNamesItself) {
  for (const auto& [shell, script] : CompletionScripts()) {
    EXPECT_THAT(script, AllOf(HasSubstr("__complete"), HasSubstr(":files"), HasSubstr(":directories"),
                              HasSubstr("2>/dev/null"), HasSubstr("deepbindnet completion " + shell)));
  }
  EXPECT_THAT(CompletionScripts().at("zsh"), StartsWith("#compdef deepbindnet\n"));
  EXPECT_THAT(CompletionScripts().at("fish"), HasSubstr("complete -c deepbindnet -f -a '(__deepbindnet_complete)'"));
}

// The script in bash itself, with the program that this tree makes.
class BashTest : public CompletionTest {
 protected:
  // What COMPREPLY is, a line each, where bash splits the line into `words`, the last of which is completed. compopt,
  // which works only while a person types, prints its arguments.
  std::vector<std::string> Reply(const std::vector<std::string>& words) {
    std::string quoted;
    for (const std::string& word : words) absl::StrAppend(&quoted, " ", QuoteForShell(word));
    const std::string script =
        absl::StrCat("set -u; eval \"$(", DEEPBINDNET_CLI, " completion bash)\"; compopt() { echo \"compopt $*\"; }\n",
                     "COMP_WORDS=(", DEEPBINDNET_CLI, quoted, "); COMP_CWORD=", words.size(), "\n", "_deepbindnet ",
                     DEEPBINDNET_CLI, "\n", "for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done\n");
    FILE* const output = popen(("bash --norc " + Write("script.sh", script) + " 2>&1").c_str(), "r");
    std::string text;
    for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) text += static_cast<char>(c);
    EXPECT_EQ(pclose(output), 0);
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

  // The words for --server, which bash splits at the colon.
  std::vector<std::string> WithServer(std::vector<std::string> words) {
    const std::vector<std::string> address = absl::StrSplit(server_.address(), ':');
    words.insert(words.begin(), {"--server", address[0], ":", address[1]});
    return words;
  }
};

TEST_F(BashTest, CompletesCommandsOptionsAndValues) {
  EXPECT_THAT(Reply({"job"}), ElementsAre("jobs"));
  EXPECT_THAT(Reply({"jobs", "re"}), ElementsAre("resume"));
  EXPECT_THAT(Reply({"train", "--max-m"}), ElementsAre("--max-minutes"));
  EXPECT_THAT(Reply({"jobs", "list", "--state", "paus"}), ElementsAre("paused", "pausing"));
  EXPECT_THAT(Reply({"nothing", "x"}), IsEmpty());
}

TEST_F(BashTest, AWordThatBashSplitIsWhole) {
  EXPECT_THAT(Reply({"jobs", "list", "--state", "=", "qu"}), ElementsAre("queued"));
  EXPECT_THAT(Reply({"jobs", "list", "--kind", "="}), ElementsAre("prepare_dataset", "train", "compare"));
  EXPECT_THAT(Reply(WithServer({"datasets", "delete", "d"})), ElementsAre("davis"));
  EXPECT_THAT(Reply(WithServer({"train", "--dataset", "=", "k"})), ElementsAre("kiba"));
  EXPECT_THAT(Reply(WithServer({"jobs", "watch", ""})), ElementsAre("m", "21", "17"));
}

TEST_F(BashTest, LeavesFilesToBash) {
  EXPECT_THAT(Reply({"datasets", "prepare", ""}), ElementsAre("compopt -o default"));
  EXPECT_THAT(Reply({"predict", "--explain", "x"}), ElementsAre("compopt -o dirnames"));
}

TEST_F(BashTest, IsSilentWithoutAServer) {
  EXPECT_THAT(Reply({"--server", "127.0.0.1", ":", "1", "jobs", "status", ""}), IsEmpty());
}

}  // namespace
}  // namespace deepbindnet::client
