#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/convert/convert.h"
#include "server/convert/unknown_enum.h"

namespace deepbindnet {
namespace {

std::string PresetOf(const v1::TrainingOptions& proto) { return proto.preset().empty() ? "small" : proto.preset(); }

// Every field that has presence is copied over the preset's value only where it is set.
#define DBN_SET_COUNT(field, target)                                                           \
  if (proto.has_##field()) {                                                                   \
    if (proto.field() > static_cast<uint32_t>(std::numeric_limits<int>::max())) {              \
      return InvalidField(#field, absl::StrCat(proto.field()), "is too large; see its range"); \
    }                                                                                          \
    target = static_cast<int>(proto.field());                                                  \
  }
#define DBN_SET_NUMBER(field, target)                                                     \
  if (proto.has_##field()) {                                                              \
    if (!std::isfinite(proto.field())) {                                                  \
      return InvalidField(#field, absl::StrCat(proto.field()), "is not a finite number"); \
    }                                                                                     \
    target = proto.field();                                                               \
  }

absl::Status SetModelOptions(const v1::TrainingOptions& proto, ModelOptions* model) {
  switch (proto.model_type()) {
    case v1::MODEL_TYPE_UNSPECIFIED:
      break;
    case v1::GATED:
      model->model_type = ModelType::kGated;
      break;
    case v1::STANDARD:
      model->model_type = ModelType::kStandard;
      break;
    default:
      return UnknownEnum("model_type", proto.model_type());
  }
  switch (proto.gate_kind()) {
    case v1::GATE_KIND_UNSPECIFIED:
      break;
    case v1::VECTOR:
      model->gate_kind = GateKind::kVector;
      break;
    case v1::HEAD:
      model->gate_kind = GateKind::kHead;
      break;
    case v1::SCALAR:
      model->gate_kind = GateKind::kScalar;
      break;
    default:
      return UnknownEnum("gate_kind", proto.gate_kind());
  }
  DBN_SET_COUNT(hidden_dim, model->hidden_dim)
  DBN_SET_COUNT(feature_dim, model->feature_dim)
  DBN_SET_COUNT(fusion_heads, model->fusion_heads)
  DBN_SET_COUNT(fusion_layers, model->fusion_layers)
  DBN_SET_COUNT(members, model->members)
  DBN_SET_COUNT(drug_layers, model->drug_layers)
  DBN_SET_COUNT(residues_per_token, model->residues_per_token)
  DBN_SET_COUNT(max_sequence_length, model->max_sequence_length)
  if (proto.has_similarity_prior()) model->similarity_prior = proto.similarity_prior();
  DBN_SET_NUMBER(dropout_rate, model->dropout_rate)
  DBN_SET_NUMBER(gate_initial_bias, model->gate_initial_bias)
  return absl::OkStatus();
}

absl::Status SetSchedule(const v1::TrainingOptions& proto, TrainingOptions* options) {
  DBN_SET_COUNT(batch_size, options->batch_size)
  DBN_SET_COUNT(num_epochs, options->num_epochs)
  DBN_SET_COUNT(patience, options->patience)
  DBN_SET_COUNT(gradient_accumulation, options->gradient_accumulation)
  DBN_SET_COUNT(keep_checkpoints, options->keep_checkpoints)
  DBN_SET_COUNT(num_processes, options->num_processes)
  DBN_SET_NUMBER(lr, options->lr)
  DBN_SET_NUMBER(weight_decay, options->weight_decay)
  DBN_SET_NUMBER(max_minutes, options->max_minutes)
  DBN_SET_NUMBER(clip_norm, options->clip_norm)
  DBN_SET_NUMBER(warmup_fraction, options->warmup_fraction)
  DBN_SET_NUMBER(ema_decay, options->ema_decay)
  DBN_SET_NUMBER(feature_dropout_rate, options->feature_dropout_rate)
  DBN_SET_NUMBER(sam_rho, options->sam_rho)
  DBN_SET_NUMBER(distribution_weight, options->distribution_weight)
  // Core's 0 means "none", which here is an unset field.
  if (proto.has_max_minutes() && proto.max_minutes() <= 0.0) {
    return InvalidField("max_minutes", absl::StrCat(proto.max_minutes()), "is not above 0; leave it out for no limit");
  }
  if (proto.has_evaluate_test()) options->evaluate_test = proto.evaluate_test();
  if (proto.has_mixed_precision()) options->mixed_precision = proto.mixed_precision();
  if (proto.has_seed()) options->seed = proto.seed();
  switch (proto.half_type()) {
    case v1::HALF_TYPE_UNSPECIFIED:
    case v1::AUTO:
      break;
    case v1::BF16:
      options->half_type = HalfType::kBf16;
      break;
    case v1::FP16:
      options->half_type = HalfType::kFp16;
      break;
    default:
      return UnknownEnum("half_type", proto.half_type());
  }
  switch (proto.loss()) {
    case v1::LOSS_UNSPECIFIED:
      break;
    case v1::MSE:
      options->loss = Loss::kMse;
      break;
    case v1::HUBER:
      options->loss = Loss::kHuber;
      break;
    case v1::LOG_COSH:
      options->loss = Loss::kLogCosh;
      break;
    default:
      return UnknownEnum("loss", proto.loss());
  }
  return absl::OkStatus();
}

#undef DBN_SET_COUNT
#undef DBN_SET_NUMBER

v1::GateKind ToProto(GateKind kind) {
  switch (kind) {
    case GateKind::kVector:
      return v1::VECTOR;
    case GateKind::kHead:
      return v1::HEAD;
    case GateKind::kScalar:
      return v1::SCALAR;
  }
  return v1::GATE_KIND_UNSPECIFIED;
}

v1::Loss ToProto(Loss loss) {
  switch (loss) {
    case Loss::kMse:
      return v1::MSE;
    case Loss::kHuber:
      return v1::HUBER;
    case Loss::kLogCosh:
      return v1::LOG_COSH;
  }
  return v1::LOSS_UNSPECIFIED;
}

v1::HalfType ToProto(HalfType type) {
  switch (type) {
    case HalfType::kAuto:
      return v1::AUTO;
    case HalfType::kBf16:
      return v1::BF16;
    case HalfType::kFp16:
      return v1::FP16;
  }
  return v1::HALF_TYPE_UNSPECIFIED;
}

// All but the preset, which decides what the message has no field for.
v1::TrainingOptions ToProto(const TrainingOptions& options) {
  v1::TrainingOptions proto;
  proto.set_model_type(ToProto(options.model.model_type));
  proto.set_hidden_dim(static_cast<uint32_t>(options.model.hidden_dim));
  proto.set_feature_dim(static_cast<uint32_t>(options.model.feature_dim));
  proto.set_fusion_heads(static_cast<uint32_t>(options.model.fusion_heads));
  proto.set_fusion_layers(static_cast<uint32_t>(options.model.fusion_layers));
  proto.set_members(static_cast<uint32_t>(options.model.members));
  proto.set_drug_layers(static_cast<uint32_t>(options.model.drug_layers));
  proto.set_residues_per_token(static_cast<uint32_t>(options.model.residues_per_token));
  proto.set_max_sequence_length(static_cast<uint32_t>(options.model.max_sequence_length));
  proto.set_dropout_rate(options.model.dropout_rate);
  proto.set_gate_kind(ToProto(options.model.gate_kind));
  proto.set_gate_initial_bias(options.model.gate_initial_bias);
  proto.set_batch_size(static_cast<uint32_t>(options.batch_size));
  proto.set_num_epochs(static_cast<uint32_t>(options.num_epochs));
  proto.set_lr(options.lr);
  proto.set_weight_decay(options.weight_decay);
  proto.set_patience(static_cast<uint32_t>(options.patience));
  proto.set_mixed_precision(options.mixed_precision);
  proto.set_similarity_prior(options.model.similarity_prior);
  proto.set_evaluate_test(options.evaluate_test);
  proto.set_loss(ToProto(options.loss));
  if (options.max_minutes > 0.0) proto.set_max_minutes(options.max_minutes);
  proto.set_clip_norm(options.clip_norm);
  proto.set_warmup_fraction(options.warmup_fraction);
  proto.set_seed(options.seed);
  proto.set_ema_decay(options.ema_decay);
  proto.set_feature_dropout_rate(options.feature_dropout_rate);
  proto.set_sam_rho(options.sam_rho);
  proto.set_distribution_weight(options.distribution_weight);
  proto.set_gradient_accumulation(static_cast<uint32_t>(options.gradient_accumulation));
  proto.set_keep_checkpoints(static_cast<uint32_t>(options.keep_checkpoints));
  proto.set_num_processes(static_cast<uint32_t>(options.num_processes));
  proto.set_half_type(ToProto(options.half_type));
  return proto;
}

}  // namespace

v1::ModelType ToProto(ModelType type) { return type == ModelType::kGated ? v1::GATED : v1::STANDARD; }

absl::StatusOr<TrainingOptions> FromProto(const v1::TrainingOptions& proto) {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, TrainingPreset(PresetOf(proto)));
  DBN_RETURN_IF_ERROR(SetModelOptions(proto, &options.model));
  DBN_RETURN_IF_ERROR(SetSchedule(proto, &options));
  DBN_RETURN_IF_ERROR(ValidateTrainingOptions(options));
  return options;
}

absl::StatusOr<v1::TrainingOptions> Complete(const v1::TrainingOptions& proto) {
  DBN_ASSIGN_OR_RETURN(const TrainingOptions options, FromProto(proto));
  v1::TrainingOptions complete = ToProto(options);
  complete.set_preset(PresetOf(proto));
  return complete;
}

}  // namespace deepbindnet
