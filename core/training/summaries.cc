#include "core/training/summaries.h"

namespace deepbindnet {
namespace {

// Numbers of fields and enumerators, from tensorboard/compat/proto.
namespace event {
enum Field { kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
}  // namespace event
namespace session_log {
enum Field { kStatus = 1 };
enum Status { kStart = 1 };
}  // namespace session_log
namespace summary {
enum Field { kValue = 1 };
enum ValueField { kTag = 1, kSimpleValue = 2, kHisto = 5, kTensor = 8, kMetadata = 9 };
enum MetadataField { kPluginData = 1, kDataClass = 4 };
enum PluginDataField { kPluginName = 1, kContent = 2 };
enum DataClass { kTensorClass = 2 };
}  // namespace summary
namespace histo {
enum Field { kMin = 1, kMax = 2, kNum = 3, kSum = 4, kSumSquares = 5, kBucketLimit = 6, kBucket = 7 };
}  // namespace histo
namespace tensor {
enum Field { kType = 1, kShape = 2, kFloatValues = 5, kStringValues = 8 };
enum Type { kFloat = 1, kString = 7 };
}  // namespace tensor

WireMessage SummaryEvent(int64_t step, const WireMessage& summary) {
  return WireMessage().Integer(event::kStep, step).Message(event::kSummary, summary);
}

// The beginning of a tensor without dimensions: a single value.
WireMessage TensorOfOne(tensor::Type type) {
  return WireMessage().Integer(tensor::kType, type).Message(tensor::kShape, WireMessage());
}

// A value that one of TensorBoard's plugins understands.
WireMessage PluginValue(absl::string_view tag, absl::string_view plugin, absl::string_view content,
                        const WireMessage& value) {
  const WireMessage plugin_data = WireMessage().Bytes(summary::kPluginName, plugin).Bytes(summary::kContent, content);
  const WireMessage metadata =
      WireMessage().Message(summary::kPluginData, plugin_data).Integer(summary::kDataClass, summary::kTensorClass);
  return WireMessage().Bytes(summary::kTag, tag).Message(summary::kTensor, value).Message(summary::kMetadata, metadata);
}

}  // namespace

WireMessage FileVersionEvent() { return WireMessage().Bytes(event::kFileVersion, "brain.Event:2"); }

WireMessage SessionStartEvent(int64_t step) {
  return WireMessage()
      .Integer(event::kStep, step)
      .Message(event::kSessionLog, WireMessage().Integer(session_log::kStatus, session_log::kStart));
}

WireMessage ScalarsEvent(int64_t step, const Scalars& scalars) {
  WireMessage values;
  for (const auto& [tag, value] : scalars) {
    values.Message(summary::kValue,
                   WireMessage().Bytes(summary::kTag, tag).Float(summary::kSimpleValue, static_cast<float>(value)));
  }
  return SummaryEvent(step, values);
}

WireMessage HistogramsEvent(int64_t step, const Histograms& histograms) {
  WireMessage values;
  for (const auto& [tag, histogram] : histograms) {
    const WireMessage message = WireMessage()
                                    .Double(histo::kMin, histogram.min)
                                    .Double(histo::kMax, histogram.max)
                                    .Double(histo::kNum, histogram.count)
                                    .Double(histo::kSum, histogram.sum)
                                    .Double(histo::kSumSquares, histogram.sum_of_squares)
                                    .Doubles(histo::kBucketLimit, histogram.limits)
                                    .Doubles(histo::kBucket, histogram.counts);
    values.Message(summary::kValue, WireMessage().Bytes(summary::kTag, tag).Message(summary::kHisto, message));
  }
  return SummaryEvent(step, values);
}

WireMessage TextEvent(int64_t step, absl::string_view tag, absl::string_view text) {
  const WireMessage value = TensorOfOne(tensor::kString).Bytes(tensor::kStringValues, text);
  return SummaryEvent(step, WireMessage().Message(summary::kValue, PluginValue(tag, "text", "", value)));
}

WireMessage HparamsEvent(absl::string_view tag, const WireMessage& content) {
  // The plugin reads the content; without a value the fast reader would drop it.
  const WireMessage nothing = TensorOfOne(tensor::kFloat).Floats(tensor::kFloatValues, {0.0F});
  return SummaryEvent(0, WireMessage().Message(summary::kValue, PluginValue(tag, "hparams", content.bytes(), nothing)));
}

}  // namespace deepbindnet
