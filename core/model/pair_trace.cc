#include "core/model/pair_trace.h"

#include "core/model/forward_observer.h"

namespace deepbindnet {
namespace {

// Tokens that are alike by symmetry differ by rounding; layer normalisation makes values of about 1.
constexpr double kSameValue = 1e-5;

// Reduces what it is shown at once, so that attention by head need not be kept.
class PairTracer : public ForwardObserver {
 public:
  explicit PairTracer(const ModelOptions& options) {
    trace_.drug.layers.resize(options.fusion_layers);
    trace_.target.layers.resize(options.fusion_layers);
  }

  void OnMember(double share) override { share_ = share; }

  void OnAttention(size_t layer, Side side, size_t /*pair*/, const torch::Tensor& weights) override {
    Add(weights.mean(0), &Of(side).layers[layer].attention);
    Add(weights.mean(1), &Of(Other(side)).layers[layer].received);
  }

  void OnGate(size_t layer, Side side, const torch::Tensor& gate) override {
    Add(gate.mean(1), &Of(side).layers[layer].gate);
  }

  void OnPool(Side side, size_t /*pair*/, const torch::Tensor& tokens, const torch::Tensor& weights) override {
    const torch::Tensor holds = (tokens >= tokens.amax(0) - kSameValue).to(tokens.scalar_type());
    Add((holds / holds.sum(0)).mean(1), &Of(side).largest);
    Add(weights, &Of(side).pooling);
  }

  PairTrace Take(double z) {
    trace_.z = z;
    for (SideTrace* side : {&trace_.drug, &trace_.target}) {
      for (LayerTrace& layer : side->layers) {
        if (!layer.gate.defined()) layer.gate = torch::ones({side->pooling.size(0)});
      }
    }
    return std::move(trace_);
  }

 private:
  // Adds what one member says to the mean over all of them, weighted as in the prediction.
  void Add(const torch::Tensor& value, torch::Tensor* mean) const {
    const torch::Tensor share = value.cpu() * share_;
    *mean = mean->defined() ? *mean + share : share;
  }

  static Side Other(Side side) { return side == Side::kDrug ? Side::kTarget : Side::kDrug; }
  SideTrace& Of(Side side) { return side == Side::kDrug ? trace_.drug : trace_.target; }

  double share_ = 0;
  PairTrace trace_;
};

}  // namespace

PairTrace TracePair(AffinityModel model, const PairBatch& batch) {
  const c10::InferenceMode inference;
  PairTracer tracer(model->options());
  const torch::Tensor z = model->forward(batch, nullptr, &tracer);
  return tracer.Take(z.item<double>());
}

}  // namespace deepbindnet
