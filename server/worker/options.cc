#include "server/worker/options.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace deepbindnet {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct FieldHelp {
  const char* option;
  const char* field;  // nullptr: as the option.
  const char* help;
};

// Field by field as types.proto documents it; convert.cc and core check the ranges.
constexpr FieldHelp kTrainingOptions[] = {
    {"model-type", "model_type",
     "gated: gated cross-modal attention; standard: the same network without gates. Default gated."},
    {"preset", nullptr, "Sizes to start from: small (for a CPU) or base (256/512/8/4). Default small."},
    {"hidden_dim", nullptr,
     "Width of atom and protein tokens, 8..1024, a multiple of fusion_heads. Default 64 (small)."},
    {"feature_dim", nullptr, "Width of the feed-forward blocks and of the head, 8..4096. Default 128 (small)."},
    {"fusion_heads", nullptr, "Attention heads, 1..64. Default 4 (small)."},
    {"fusion_layers", nullptr, "Cross-attention layers, 1..16. Default 1 (small)."},
    {"dropout_rate", nullptr,
     "Share of activations dropped in training, 0..0.9; more against overfitting. Default 0.1."},
    {"gate_kind", nullptr,
     "One gate value per channel (vector), attention head (head) or token (scalar). Default vector."},
    {"gate_initial_bias", nullptr, "Bias of the gate's sigmoid at the start, -10..10. Default 0."},
    {"batch_size", nullptr, "Pairs per optimiser step, 1..65536; fewer when memory runs out. Default 256."},
    {"num_epochs", nullptr, "Most passes over the training pairs, 1..100000. Default 100."},
    {"lr", nullptr, "Peak learning rate, above 0 to 1. Default 0.002 (small), 0.0005 (base)."},
    {"weight_decay", nullptr, "Decoupled weight decay, 0..1; more against overfitting. Default 0.0001."},
    {"patience", nullptr, "Epochs without a lower validation RMSE before stopping; 0 never stops. Default 15."},
    {"mixed_precision", nullptr, "bf16 matrix products where the device has them: true or false. Default true."},
    {"loss", nullptr, "mse, huber (transition at 1 standard deviation) or log_cosh. Default mse."},
    {"max-minutes", "max_minutes",
     "Training time in minutes after which the run ends, above 0; the schedule anneals to it. Default: no limit."},
    {"clip_norm", nullptr, "Largest gradient norm, 0 or more; 0 does not clip. Default 1."},
    {"warmup_fraction", nullptr, "Share of the schedule spent warming up, 0..0.5. Default 0.02."},
    {"seed", nullptr, "Seed of the initial weights, the data's order and dropout. Default 42."},
    {"ema_decay", nullptr, "Weight averaging per step, 0 to below 1; 0 is off. Default 0.999."},
    {"gradient_accumulation", nullptr, "Micro-batches per optimiser step; this version supports 1 only. Default 1."},
    {"keep_checkpoints", nullptr,
     "Newest checkpoint_epoch_X.pt files kept, 0 keeps all; this version supports 0 only. Default 0."},
    {"num_processes", nullptr, "Data-parallel processes; this version supports 1 only. Default 1."},
};

constexpr FieldHelp kSplitOptions[] = {
    {"split", "method",
     "random (by pair), cold_drug, cold_target, cold_both, scaffold or column. Default random, or column with "
     "--split-column."},
    {"split-column", "split_column",
     "Column that names each row's part: test, val (also valid, validation, dev); every other value is training data."},
    {"test-size", "test_size", "Share of all rows that is test data, 0 to below 1. Default 0.2."},
    {"val-size", "val_size",
     "Share of the rows that are not test and become validation data, 0 to below 1. Default 0.1."},
    {"seed", nullptr, "Seed of the split. Default 42."},
};

constexpr FieldHelp kPrepareOptions[] = {
    {"affinity-column", "affinity_column",
     "Column of the affinity. Default: found by name, else the only other numeric one."},
    {"affinity-unit", "affinity_unit",
     "Unit of the affinity, for example pKd. Default: guessed from its column's name."},
    {"max-rejected", "max_rejected", "Largest share of rejected rows that still succeeds, 0..1. Default 0.05."},
};

const FieldDescriptor& Field(const Message& message, const std::string& name) {
  const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) throw std::logic_error(absl::StrCat("no field ", name));
  return *field;
}

// Choices of an enum field, without the one that says "unspecified".
std::vector<std::string> Choices(const FieldDescriptor& field) {
  std::vector<std::string> names;
  for (int i = 1; i < field.enum_type()->value_count(); ++i) {
    names.push_back(absl::AsciiStrToLower(field.enum_type()->value(i)->name()));
  }
  return names;
}

std::string TypeName(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "COUNT";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "NUMBER";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "BOOL";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrJoin(Choices(field), "|");
    default:
      return "TEXT";
  }
}

// Stores `text`; false with `remedy` where it cannot be read.
bool SetField(Message* message, const FieldDescriptor& field, const std::string& text, std::string* remedy) {
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      *remedy = "is not a whole number from 0 on";
      if (!absl::SimpleAtoi(text, &value)) return false;
      reflection.SetUInt32(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      *remedy = "is not a whole number from 0 on";
      if (!absl::SimpleAtoi(text, &value)) return false;
      reflection.SetUInt64(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0.0;
      *remedy = "is not a number";
      if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return false;
      reflection.SetDouble(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      *remedy = "is neither true nor false";
      if (!absl::SimpleAtob(text, &value)) return false;
      reflection.SetBool(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      *remedy = absl::StrCat("is none of ", absl::StrJoin(Choices(field), ", "));
      const EnumValueDescriptor* const value = field.enum_type()->FindValueByName(absl::AsciiStrToUpper(text));
      if (value == nullptr || value->number() == 0) return false;
      reflection.SetEnum(message, &field, value);
      return true;
    }
    default:
      reflection.SetString(message, &field, text);
      return true;
  }
}

template <size_t kCount>
void AddFields(CLI::App* app, const FieldHelp (&fields)[kCount], Message* message) {
  for (const FieldHelp& field : fields) {
    AddField(app, field.option, message, field.field == nullptr ? field.option : field.field, field.help);
  }
}

}  // namespace

std::string Spellings(absl::string_view name) {
  const std::string dashes = absl::StrReplaceAll(name, {{"_", "-"}});
  const std::string underscores = absl::StrReplaceAll(name, {{"-", "_"}});
  if (dashes == underscores) return absl::StrCat("--", name);
  return absl::StrCat("--", name, ",--", name == dashes ? underscores : dashes);
}

CLI::Option* AddField(CLI::App* app, absl::string_view name, Message* message, const std::string& field_name,
                      const std::string& help) {
  const FieldDescriptor& field = Field(*message, field_name);
  const std::string label = absl::StrCat("--", name);
  CLI::Option* const option = app->add_option(
      Spellings(name),
      [message, &field, label](const CLI::results_t& values) {
        std::string remedy;
        const std::string text = values.empty() || values[0].empty() ? "" : values[0];
        const bool stands_alone = text.empty() && field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
        if (SetField(message, field, stands_alone ? "true" : text, &remedy)) return true;
        throw CLI::ValidationError(label, absl::StrCat(text.empty() ? "(empty)" : text, " ", remedy));
      },
      help);
  option->type_name(TypeName(field));
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) option->expected(0, 1);
  return option;
}

void AddTrainingOptions(CLI::App* app, v1::TrainingOptions* options) { AddFields(app, kTrainingOptions, options); }

void AddPrepareOptions(CLI::App* app, v1::PrepareDatasetSpec* spec) {
  AddFields(app, kSplitOptions, spec->mutable_split());
  AddFields(app, kPrepareOptions, spec);
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  return option->get_name(is_positional, false);
}

}  // namespace deepbindnet
