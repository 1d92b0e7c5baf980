#include "core/model/pair_trace.h"

#include "core/model/forward_observer.h"

namespace deepbindnet {
namespace {

// Tokens that are alike by symmetry differ by rounding; layer normalisation makes values of about 1.
constexpr double kSameValue = 1e-5;

// Reduces what it is shown at once, so that attention by head need not be kept.
class PairTracer : public ForwardObserver {
 public:
  PairTracer(int64_t atoms, int64_t tokens, size_t layers) {
    trace_.drug.layers.resize(layers, {{}, {}, torch::ones({atoms})});
    trace_.target.layers.resize(layers, {{}, {}, torch::ones({tokens})});
  }

  void OnAttention(size_t layer, Side side, size_t /*pair*/, const torch::Tensor& weights) override {
    Of(side).layers[layer].attention = weights.mean(0).cpu();
    Of(Other(side)).layers[layer].received = weights.mean(1).cpu();
  }

  void OnGate(size_t layer, Side side, const torch::Tensor& gate) override {
    Of(side).layers[layer].gate = gate.mean(1).cpu();
  }

  void OnPool(Side side, size_t /*pair*/, const torch::Tensor& tokens, const torch::Tensor& weights) override {
    const torch::Tensor holds = (tokens >= tokens.amax(0) - kSameValue).to(tokens.scalar_type());
    Of(side).largest = (holds / holds.sum(0)).mean(1).cpu();
    Of(side).pooling = weights.clone().cpu();
  }

  PairTrace Take(double z) {
    trace_.z = z;
    return std::move(trace_);
  }

 private:
  static Side Other(Side side) { return side == Side::kDrug ? Side::kTarget : Side::kDrug; }
  SideTrace& Of(Side side) { return side == Side::kDrug ? trace_.drug : trace_.target; }

  PairTrace trace_;
};

}  // namespace

PairTrace TracePair(AffinityModel model, const PairBatch& batch) {
  const c10::InferenceMode inference;
  PairTracer tracer(batch.pair_atoms.total, batch.pair_tokens.total,
                    static_cast<size_t>(model->options().fusion_layers));
  const torch::Tensor z = model->forward(batch, nullptr, &tracer);
  return tracer.Take(z.item<double>());
}

}  // namespace deepbindnet
