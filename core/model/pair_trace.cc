#include "core/model/pair_trace.h"

#include "core/model/forward_observer.h"

namespace deepbindnet {
namespace {

// Tokens that are alike by symmetry differ by rounding; layer normalisation makes values of about 1.
constexpr double kSameValue = 1e-5;

// Reduces what it is shown at once, so that attention by head need not be kept.
class PairTracer : public ForwardObserver {
 public:
  // `atoms` and `tokens` are without padding.
  PairTracer(int64_t atoms, int64_t tokens, size_t layers) : atoms_(atoms), tokens_(tokens) {
    for (const Side side : {Side::kDrug, Side::kTarget}) {
      Of(side).layers.resize(layers);
      for (LayerTrace& layer : Of(side).layers) layer.gate = torch::ones({Count(side)});
    }
  }

  void OnAttention(size_t layer, Side side, size_t /*bucket*/, const torch::Tensor& weights) override {
    const Side read = Other(side);
    const torch::Tensor real = weights[0].narrow(1, 0, Count(side)).narrow(2, 0, Count(read));  // [heads, n, m]
    Of(side).layers[layer].attention = real.mean(0).cpu();
    Of(read).layers[layer].received = real.mean(1).cpu();
  }

  void OnGate(size_t layer, Side side, const torch::Tensor& gate) override {
    Of(side).layers[layer].gate = gate.narrow(0, 0, Count(side)).mean(1).cpu();
  }

  void OnPool(Side side, size_t /*bucket*/, const torch::Tensor& tokens, const torch::Tensor& weights) override {
    const torch::Tensor real = tokens[0].narrow(0, 0, Count(side));  // [n, hidden]
    const torch::Tensor holds = (real >= real.amax(0) - kSameValue).to(real.scalar_type());
    Of(side).largest = (holds / holds.sum(0)).mean(1).cpu();
    Of(side).pooling = weights[0].narrow(0, 0, Count(side)).clone().cpu();
  }

  PairTrace Take(double z) {
    trace_.z = z;
    return std::move(trace_);
  }

 private:
  static Side Other(Side side) { return side == Side::kDrug ? Side::kTarget : Side::kDrug; }
  SideTrace& Of(Side side) { return side == Side::kDrug ? trace_.drug : trace_.target; }
  int64_t Count(Side side) const { return side == Side::kDrug ? atoms_ : tokens_; }

  const int64_t atoms_, tokens_;
  PairTrace trace_;
};

}  // namespace

PairTrace TracePair(AffinityModel model, const PairBatch& batch) {
  const c10::InferenceMode inference;
  const PairBucket& bucket = batch.buckets.front();
  PairTracer tracer(bucket.atom_mask.sum().item<int64_t>(), bucket.token_mask.sum().item<int64_t>(),
                    static_cast<size_t>(model->options().fusion_layers));
  const torch::Tensor z = model->forward(batch, nullptr, &tracer);
  return tracer.Take(z.item<double>());
}

}  // namespace deepbindnet
