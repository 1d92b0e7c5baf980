#include "proto/flags/field_flags.h"

#include <google/protobuf/descriptor.h>

#include <CLI/Error.hpp>
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace deepbindnet {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const FieldDescriptor* FindField(const google::protobuf::Descriptor* descriptor, const std::string& path) {
  const FieldDescriptor* field = nullptr;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    field = descriptor->FindFieldByName(name);
    descriptor = field->message_type();
  }
  return field;
}

// The message that holds the path's last field, made where it is missing.
Message* MutableParent(Message* message, const std::string& path) {
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, message->GetDescriptor()->FindFieldByName(names[i]));
  }
  return message;
}

// The longest text from an '_' on in which all names end.
std::string CommonEnding(const std::vector<std::string>& names) {
  const std::string& first = names.front();
  for (size_t at = first.find('_'); at != std::string::npos && names.size() > 1; at = first.find('_', at + 1)) {
    const std::string ending = first.substr(at);
    const auto ends = [&ending](const std::string& name) { return absl::EndsWith(name, ending); };
    if (std::all_of(names.begin(), names.end(), ends)) return ending;
  }
  return "";
}

// The values that people choose from, by number; the zero value stands for "not set".
std::vector<std::pair<int, std::string>> EnumNames(const FieldDescriptor* field) {
  std::vector<int> numbers;
  std::vector<std::string> names;
  for (int i = 0; i < field->enum_type()->value_count(); ++i) {
    const auto* value = field->enum_type()->value(i);
    if (value->number() == 0) continue;
    numbers.push_back(value->number());
    names.push_back(absl::AsciiStrToLower(value->name()));
  }
  const std::string ending = CommonEnding(names);
  std::vector<std::pair<int, std::string>> short_names;
  for (size_t i = 0; i < names.size(); ++i) {
    short_names.emplace_back(numbers[i], names[i].substr(0, names[i].size() - ending.size()));
  }
  return short_names;
}

std::string EnumChoices(const FieldDescriptor* field) {
  return absl::StrJoin(EnumNames(field), "|",
                       [](std::string* text, const auto& name) { absl::StrAppend(text, name.second); });
}

std::string TypeName(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "COUNT";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "NUMBER";
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumChoices(field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return "BOOL";
    default:
      return "TEXT";
  }
}

absl::Status WrongValue(const std::string& text, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ", wanted));
}

}  // namespace

const std::vector<FieldFlag>& TrainingFlags() {
  static const auto* const flags = new std::vector<FieldFlag>{
      {"model-type", "model_type", "Gated cross-modal attention, or the same network without gates [gated]"},
      {"preset", "preset", "What unset options start from: small (for a CPU) or base [small]"},
      {"members", "members",
       "Networks in the model, 1..64: together they are nearer the truth, and take so many times as long; with "
       "--similarity-prior the first alone has the prior [1]"},
      {"hidden-dim", "hidden_dim",
       "Width of atom and protein tokens, 8..1024, a multiple of --fusion-heads [small: 64, base: 256]"},
      {"feature-dim", "feature_dim", "Width of the head, 8..4096 [small: 256, base: 512]"},
      {"fusion-heads", "fusion_heads", "Attention heads, 1..64 [small: 4, base: 8]"},
      {"fusion-layers", "fusion_layers", "Cross-attention layers, 1..16 [small: 1, base: 4]"},
      {"drug-layers", "drug_layers", "Graph layers over the atoms of a molecule, 1..16 [2]"},
      {"residues-per-token", "residues_per_token",
       "Residues that one protein token stands for, 8, 16 or 32; half as many take twice the memory [32]"},
      {"max-sequence-length", "max_sequence_length",
       "Residues of the longest protein the model takes, in training and prediction, 1..10000 [10000]"},
      {"similarity-prior", "similarity_prior",
       "Begin with what the training pairs of similar molecules and proteins say: true or false [true]"},
      {"dropout-rate", "dropout_rate",
       "Share of activations dropped in training, 0..0.9; more against overfitting [0.1]"},
      {"feature-dropout-rate", "feature_dropout_rate",
       "Share of atom environments and residue triplets left out of a batch, 0..0.9; more against overfitting [0.2]"},
      {"sam-rho", "sam_rho",
       "Radius of sharpness-aware minimisation, 0..10, against overfitting; a step takes twice as long; 0 is off "
       "[0.1]"},
      {"gate-kind", "gate_kind", "A gate value per channel (vector), attention head (head) or token (scalar) [vector]"},
      {"gate-initial-bias", "gate_initial_bias", "Bias of the gate's sigmoid at the start, -10..10 [0]"},
      {"batch-size", "batch_size", "Pairs that a process computes at once, 1..65536; fewer when memory runs out [512]"},
      {"num-epochs", "num_epochs", "Most passes over the training pairs, 1..100000 [100]"},
      {"lr", "lr", "Peak learning rate, above 0 and at most 1 [small: 0.003, base: 0.0005]"},
      {"weight-decay", "weight_decay", "Decoupled weight decay, 0..1; more against overfitting [0.3]"},
      {"patience", "patience", "Epochs without a lower validation RMSE before stopping; 0 never stops [15]"},
      {"mixed-precision", "mixed_precision",
       "Matrix products in --half-type: true or false; alone it means true [true]"},
      {"half-type", "half_type",
       "Type of matrix products in mixed precision; auto: bf16 where it is faster, else none; fp16 on GPUs only "
       "[auto]"},
      {"loss", "loss", "Training loss on z-scored affinities; huber turns linear at 1 standard deviation [mse]"},
      {"distribution-weight", "distribution_weight",
       "Weight of the predicted distribution's cross-entropy beside the loss of its mean, 0..1000 [1]"},
      {"max-minutes", "max_minutes",
       "Minutes of training after which the run ends, above 0; the schedule anneals to it [no limit]"},
      {"clip-norm", "clip_norm", "Largest gradient norm, 0 or more; 0 does not clip [1]"},
      {"warmup-fraction", "warmup_fraction", "Share of the schedule spent warming up, 0..0.5 [0.02]"},
      {"seed", "seed", "Decides the initial weights, the data's order and dropout [42]"},
      {"ema-decay", "ema_decay", "Weight averaging per step, 0..1 (1 excluded); 0 is off [0.999]"},
      {"gradient-accumulation", "gradient_accumulation",
       "Batches per optimiser step, 1..4096; large steps in little memory [1]"},
      {"keep-checkpoints", "keep_checkpoints", "Newest checkpoint_epoch_X.pt files kept, 0..100000; 0 keeps all [0]"},
      {"evaluate-test", "evaluate_test",
       "Measure the best model on the test part at the end, which is not read otherwise: true or false [true]"},
      {"num-processes", "num_processes",
       "Processes of one machine that train together, 1..1024, at most its GPUs or else its cores; of a server's job "
       "also "
       "at most its slots [1]"},
  };
  return *flags;
}

const std::vector<FieldFlag>& DatasetFlags() {
  static const auto* const flags = new std::vector<FieldFlag>{
      {"split", "split.method",
       "How pairs are divided into train, validation and test [random, or column with --split-column]"},
      {"split-column", "split.split_column",
       "Column that names each row's part: test, val (also valid, validation, dev); every other value is train [none]"},
      {"test-size", "split.test_size", "Share of all rows for the test part, 0..1 (1 excluded) [0.2]"},
      {"val-size", "split.val_size", "Share of the rows that are not test for validation, 0..1 (1 excluded) [0.1]"},
      {"seed", "split.seed", "Decides the split [42]"},
      {"affinity-column", "affinity_column", "Column of the affinity [found by name, else the only other numeric one]"},
      {"affinity-unit", "affinity_unit",
       "Unit of the affinity, for example pKd [what the column of units says, else guessed from the affinity column's "
       "name]"},
      {"affinity-direction", "affinity_direction",
       "Whether a higher or a lower affinity binds tighter [known for KIBA, pKd, pKi, pIC50, pEC50 and "
       "concentrations]"},
      {"max-rejected", "max_rejected", "Largest share of rejected rows that still succeeds, 0..1 [0.05]"},
  };
  return *flags;
}

absl::Status SetField(Message* message, const std::string& path, const std::string& text) {
  const FieldDescriptor* field = FindField(message->GetDescriptor(), path);
  Message* parent = MutableParent(message, path);
  const auto* reflection = parent->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value;
      if (!absl::SimpleAtoi(text, &value)) return WrongValue(text, "a whole number of 0 or more");
      reflection->SetUInt32(parent, field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value;
      if (!absl::SimpleAtoi(text, &value)) return WrongValue(text, "a whole number of 0 or more");
      reflection->SetUInt64(parent, field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value;
      if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return WrongValue(text, "a number");
      reflection->SetDouble(parent, field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value;
      if (!absl::SimpleAtob(text, &value)) return WrongValue(text, "true or false");
      reflection->SetBool(parent, field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto names = EnumNames(field);
      const std::string wanted = absl::AsciiStrToLower(text);
      const auto found =
          std::find_if(names.begin(), names.end(), [&wanted](const auto& name) { return name.second == wanted; });
      if (found == names.end()) return WrongValue(text, absl::StrCat("one of ", EnumChoices(field)));
      reflection->SetEnum(parent, field, field->enum_type()->FindValueByNumber(found->first));
      break;
    }
    default:
      reflection->SetString(parent, field, text);
  }
  return absl::OkStatus();
}

void AddFieldFlags(const std::vector<FieldFlag>& flags, const std::string& group, Message* message, CLI::App* app) {
  for (const FieldFlag& flag : flags) {
    const std::string name = absl::StrCat("--", flag.flag);
    const std::string path = flag.field;
    const FieldDescriptor* field = FindField(message->GetDescriptor(), path);
    const bool is_bool = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    const CLI::callback_t set = [message, path, name, is_bool](const CLI::results_t& values) {
      const std::string text = values.empty() ? "" : values[0];
      const absl::Status status = SetField(message, path, is_bool && text.empty() ? "true" : text);
      if (!status.ok()) throw CLI::ValidationError(name, std::string(status.message()));
      return true;
    };
    CLI::Option* option = app->add_option(name, set, flag.help)->type_name(TypeName(field))->group(group);
    if (is_bool) option->expected(0, 1);
  }
}

}  // namespace deepbindnet
