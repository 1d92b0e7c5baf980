#include "core/csv/folds.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/csv/deepdta_folder.h"
#include "core/csv/whole_file.h"

namespace deepbindnet {
namespace {

using Json = nlohmann::json;

constexpr char kTrainFile[] = "train_fold_setting1.txt";
constexpr char kTestFile[] = "test_fold_setting1.txt";
constexpr absl::string_view kRemedy = "a folder of folds has train_fold_setting1.txt and test_fold_setting1.txt";

absl::StatusOr<Json> ReadList(const std::string& path, absl::string_view wanted) {
  DBN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path, kMaxFolderFileBytes, kRemedy));
  Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (list.is_array()) return list;
  return absl::InvalidArgumentError(absl::StrCat(path, ": is no JSON list; give ", wanted));
}

// A fold's positions with its label's index.
absl::Status AddPositions(const Json& list, int32_t label, const std::string& path,
                          std::vector<std::pair<int64_t, int32_t>>* positions) {
  if (!list.is_array()) return absl::InvalidArgumentError(absl::StrCat(path, ": fold ", label, " is no list"));
  for (const Json& position : list) {
    if (!position.is_number_unsigned()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", position.dump().substr(0, 40),
                       " is no position; give whole numbers from 0 that count the measured cells row by row"));
    }
    positions->emplace_back(static_cast<int64_t>(position.get<uint64_t>()), label);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Folds> ReadFolds(const std::string& directory) {
  const std::string train_path = absl::StrCat(directory, "/", kTrainFile);
  const std::string test_path = absl::StrCat(directory, "/", kTestFile);
  DBN_ASSIGN_OR_RETURN(const Json train, ReadList(train_path, "a list of folds, each a list of positions"));
  DBN_ASSIGN_OR_RETURN(const Json test, ReadList(test_path, "a list of positions"));
  Folds folds;
  std::vector<std::pair<int64_t, int32_t>> positions;
  for (const Json& fold : train) {
    const auto label = static_cast<int32_t>(folds.labels.size());
    DBN_RETURN_IF_ERROR(AddPositions(fold, label, train_path, &positions));
    folds.labels.push_back(absl::StrCat(label));
  }
  DBN_RETURN_IF_ERROR(AddPositions(test, static_cast<int32_t>(folds.labels.size()), test_path, &positions));
  folds.labels.emplace_back("test");
  // A position of each number from 0 on: then, and only then, each is its own index once sorted.
  std::sort(positions.begin(), positions.end());
  for (size_t i = 0; i < positions.size(); ++i) {
    const int64_t position = positions[i].first;
    if (position != static_cast<int64_t>(i)) {
      const bool twice = i > 0 && position == positions[i - 1].first;
      return absl::InvalidArgumentError(absl::StrCat(
          directory, ": ", twice ? "position " : "no fold has position ", twice ? position : static_cast<int64_t>(i),
          twice ? " stands twice" : "", "; give each of the ", positions.size(), " measured cells once"));
    }
    folds.of_cell.push_back(positions[i].second);
  }
  return folds;
}

}  // namespace deepbindnet
