#include "core/model/row_ops.h"

#include <cmath>
#include <limits>

#include "core/compute/device_kernels.h"

namespace deepbindnet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool HasKernel(const torch::Tensor& x, int64_t width) {
  const torch::Dtype type = x.scalar_type();
  const bool is_single = type == torch::kFloat32 || type == torch::kBFloat16 || type == torch::kHalf;
  return HasKernels(x.device()) && is_single && width % kKernelWidth == 0;
}

torch::Tensor Float(const torch::Tensor& x) { return x.to(torch::kFloat32).contiguous(); }

ConstRows RowsOf(const torch::Tensor& x, int64_t column = 0) { return {x.data_ptr<float>() + column, x.size(1)}; }
MutableRows GradientRows(const torch::Tensor& x, int64_t column = 0) {
  return {x.data_ptr<float>() + column, x.size(1)};
}

RangeList ListOf(const torch::Tensor& first, const torch::Tensor& count) {
  return {first.data_ptr<int64_t>(), count.data_ptr<int64_t>()};
}

// ---- Sums of table rows.

class SumRowsFunction : public torch::autograd::Function<SumRowsFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& table, const torch::Tensor& index) {
    context->save_for_backward({table, index});
    torch::Tensor out = torch::empty({index.size(0), table.size(1)}, table.options());
    KernelsOf(table.device())
        .sum_rows(table.data_ptr<float>(), table.size(1), index.data_ptr<int64_t>(), index.size(0), index.size(1),
                  out.data_ptr<float>());
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& index = saved[1];
    torch::Tensor table = torch::zeros_like(saved[0]);
    KernelsOf(table.device())
        .sum_rows_back(Float(gradients[0]).data_ptr<float>(), table.size(1), index.data_ptr<int64_t>(), index.size(0),
                       index.size(1), table.data_ptr<float>());
    return {table, torch::Tensor()};
  }
};

// ---- Messages between neighbours.

class MessagesFunction : public torch::autograd::Function<MessagesFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows, const torch::Tensor& table,
                               const torch::Tensor& neighbors, const torch::Tensor& codes) {
    context->save_for_backward({rows, table, neighbors, codes});
    torch::Tensor out = torch::empty({neighbors.size(0), rows.size(1)}, rows.options());
    KernelsOf(rows.device())
        .messages(rows.data_ptr<float>(), table.data_ptr<float>(), rows.size(1), neighbors.data_ptr<int64_t>(),
                  codes.data_ptr<int64_t>(), neighbors.size(0), neighbors.size(1), out.data_ptr<float>());
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &rows = saved[0], &table = saved[1], &neighbors = saved[2], &codes = saved[3];
    torch::Tensor of_rows = torch::zeros_like(rows), of_table = torch::zeros_like(table);
    KernelsOf(rows.device())
        .messages_back(rows.data_ptr<float>(), table.data_ptr<float>(), rows.size(1), neighbors.data_ptr<int64_t>(),
                       codes.data_ptr<int64_t>(), neighbors.size(0), neighbors.size(1),
                       Float(gradients[0]).data_ptr<float>(), of_rows.data_ptr<float>(), of_table.data_ptr<float>());
    return {of_rows, of_table, torch::Tensor(), torch::Tensor()};
  }
};

// ---- Attention.

// `side` reads `other`; both [rows, 3 * hidden].
AttentionTask Task(const torch::Tensor& side, const RangeList& queries, const torch::Tensor& packed,
                   int64_t most_queries, const torch::Tensor& other, const RangeList& keys, int64_t most_keys,
                   int64_t heads) {
  const int64_t hidden = side.size(1) / 3, width = hidden / heads;
  return {packed.size(0),
          heads,
          width,
          static_cast<float>(1 / std::sqrt(static_cast<double>(width))),
          RowsOf(side),
          RowsOf(other, hidden),
          RowsOf(other, 2 * hidden),
          queries,
          keys,
          packed.data_ptr<int64_t>(),
          most_queries,
          most_keys};
}

std::vector<torch::Tensor> SplitWeights(const torch::Tensor& flat, const RowRanges& queries, const RowRanges& keys,
                                        int64_t heads) {
  std::vector<torch::Tensor> weights;
  int64_t offset = 0;
  for (int64_t p = 0; p < queries.count.size(0); ++p) {
    const int64_t n = queries.count.data_ptr<int64_t>()[p], m = keys.count.data_ptr<int64_t>()[p];
    weights.push_back(flat.narrow(0, offset, heads * n * m).view({heads, n, m}));
    offset += heads * n * m;
  }
  return weights;
}

// The first row of each range where they stand one behind the other.
torch::Tensor Starts(const RowRanges& ranges) { return ranges.count.cumsum(0) - ranges.count; }

int64_t CountWeights(const RowRanges& a, const RowRanges& b, int64_t heads) {
  return heads * (a.count * b.count).sum().item<int64_t>();
}

class CrossAttentionFunction : public torch::autograd::Function<CrossAttentionFunction> {
 public:
  static variable_list forward(AutogradContext* context, const torch::Tensor& drug, const torch::Tensor& target,
                               const AttentionSide& drugs, const AttentionSide& targets, int64_t heads,
                               std::vector<PairWeights>* weights) {
    const RowRanges &atoms = drugs.ranges, &tokens = targets.ranges;
    const torch::Tensor packed_atoms = Starts(atoms), packed_tokens = Starts(tokens);
    context->save_for_backward(
        {drug, target, atoms.first, atoms.count, packed_atoms, tokens.first, tokens.count, packed_tokens});
    context->saved_data["heads"] = heads;
    context->saved_data["atoms"] = atoms.most;
    context->saved_data["tokens"] = tokens.most;
    const int64_t hidden = drug.size(1) / 3, pairs = atoms.count.size(0);
    const RangeList of_drug = ListOf(atoms.first, atoms.count), of_target = ListOf(tokens.first, tokens.count);
    const torch::Tensor drug_out = torch::zeros({drugs.packed_rows, hidden}, drug.options());
    const torch::Tensor target_out = torch::zeros({targets.packed_rows, hidden}, drug.options());
    torch::Tensor drug_weights, target_weights;
    if (weights != nullptr) {
      drug_weights = torch::empty({CountWeights(atoms, tokens, heads)}, drug.options());
      target_weights = torch::empty_like(drug_weights);
    }
    KernelsOf(drug.device())
        .attend(Task(drug, of_drug, packed_atoms, atoms.most, target, of_target, tokens.most, heads),
                drug_out.data_ptr<float>(), weights == nullptr ? nullptr : drug_weights.data_ptr<float>());
    KernelsOf(drug.device())
        .attend(Task(target, of_target, packed_tokens, tokens.most, drug, of_drug, atoms.most, heads),
                target_out.data_ptr<float>(), weights == nullptr ? nullptr : target_weights.data_ptr<float>());
    if (weights != nullptr) {
      const auto by_drug = SplitWeights(drug_weights, atoms, tokens, heads);
      const auto by_target = SplitWeights(target_weights, tokens, atoms, heads);
      for (int64_t p = 0; p < pairs; ++p) weights->push_back({by_drug[p], by_target[p]});
    }
    return {drug_out, target_out};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &drug = saved[0], &target = saved[1];
    const RangeList atoms = ListOf(saved[2], saved[3]), tokens = ListOf(saved[5], saved[6]);
    const int64_t heads = context->saved_data["heads"].toInt(), hidden = drug.size(1) / 3;
    const int64_t most_atoms = context->saved_data["atoms"].toInt(),
                  most_tokens = context->saved_data["tokens"].toInt();
    const torch::Tensor of_drug = torch::zeros_like(drug), of_target = torch::zeros_like(target);
    if (gradients[0].defined()) {
      KernelsOf(drug.device())
          .attend_back(Task(drug, atoms, saved[4], most_atoms, target, tokens, most_tokens, heads),
                       Float(gradients[0]).data_ptr<float>(), GradientRows(of_drug), GradientRows(of_target, hidden),
                       GradientRows(of_target, 2 * hidden));
    }
    if (gradients[1].defined()) {
      KernelsOf(drug.device())
          .attend_back(Task(target, tokens, saved[7], most_tokens, drug, atoms, most_atoms, heads),
                       Float(gradients[1]).data_ptr<float>(), GradientRows(of_target), GradientRows(of_drug, hidden),
                       GradientRows(of_drug, 2 * hidden));
    }
    return {of_drug, of_target, torch::Tensor(), torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

// Ranges as a padded index. Where `mask` is false the index is 0.
struct Padded {
  torch::Tensor rows;  // [ranges, most] int64
  torch::Tensor mask;  // [ranges, most] bool
};

Padded Pad(const RowRanges& ranges) {
  const torch::Tensor columns = torch::arange(ranges.most, ranges.first.options()).unsqueeze(0);
  const torch::Tensor mask = columns < ranges.count.unsqueeze(1);
  return {(ranges.first.unsqueeze(1) + columns).masked_fill(mask.logical_not(), 0), mask};
}

// Where the rows of the ranges, one range behind the other, stand in the flattened padded index. Shape: -> [total].
torch::Tensor PlacesInPadded(const RowRanges& ranges) {
  const torch::Tensor numbers = torch::arange(ranges.count.size(0), ranges.count.options());
  const torch::Tensor owner = torch::repeat_interleave(numbers, ranges.count, 0, ranges.total);
  const torch::Tensor within =
      torch::arange(ranges.total, ranges.count.options()) - Starts(ranges).index_select(0, owner);
  return owner * ranges.most + within;
}

// `x` where `mask` is true, else what is least: of no effect on a softmax or a maximum, however small the rest is.
torch::Tensor Masked(const torch::Tensor& x, const torch::Tensor& mask) {
  return x.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
}

// What the rows of `side` read from `other`.
torch::Tensor Read(const AttentionSide& side, const AttentionSide& other, int64_t heads,
                   std::vector<torch::Tensor>* weights) {
  const int64_t hidden = side.projected.size(1) / 3, width = hidden / heads, pairs = side.ranges.count.size(0);
  const Padded queries = Pad(side.ranges), keys = Pad(other.ranges);
  const auto gather = [&](const torch::Tensor& projected, int64_t part, const Padded& padded) {
    const torch::Tensor rows = GatherRows(projected.narrow(1, part * hidden, hidden), padded.rows);
    return rows.view({pairs, rows.size(1), heads, width}).transpose(1, 2);  // [pairs, heads, rows, width]
  };
  const torch::Tensor query = gather(side.projected, 0, queries), key = gather(other.projected, 1, keys);
  const torch::Tensor scores = torch::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(width));
  const torch::Tensor shares = torch::softmax(Masked(scores, keys.mask.view({pairs, 1, 1, -1})), 3);
  for (int64_t p = 0; weights != nullptr && p < pairs; ++p) {
    weights->push_back(shares[p]
                           .detach()
                           .narrow(1, 0, side.ranges.count[p].item<int64_t>())
                           .narrow(2, 0, other.ranges.count[p].item<int64_t>()));
  }
  const torch::Tensor context = torch::matmul(shares, gather(other.projected, 2, keys)).transpose(1, 2);
  const torch::Tensor read =
      context.reshape({-1, hidden}).index_select(0, PlacesInPadded(side.ranges));  // [total, hidden]
  return torch::constant_pad_nd(read, {0, 0, 0, side.packed_rows - side.ranges.total});
}

// ---- The gated residual.

class GatedFunction : public torch::autograd::Function<GatedFunction> {
 public:
  // Without a gate its parts are empty: an undefined tensor may be no argument.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& h,
                               const c10::optional<torch::Tensor>& maybe_gate_h, const torch::Tensor& c,
                               const c10::optional<torch::Tensor>& maybe_gate_c, const torch::Tensor& scale,
                               const torch::Tensor& shift, const torch::Tensor& rows, torch::Tensor* gate) {
    const torch::Tensor gate_h = maybe_gate_h.value_or(torch::Tensor());
    const torch::Tensor gate_c = maybe_gate_c.value_or(torch::Tensor());
    context->save_for_backward({h, gate_h, c, gate_c, scale, shift, rows});
    torch::Tensor out = torch::empty_like(c);
    if (gate != nullptr && gate_c.defined()) *gate = torch::empty_like(gate_c);
    KernelsOf(h.device())
        .gated(Task(h, gate_h, c, gate_c, scale, shift, rows), out.data_ptr<float>(),
               gate != nullptr && gate->defined() ? gate->data_ptr<float>() : nullptr);
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &h = saved[0], &gate_h = saved[1], &c = saved[2], &gate_c = saved[3], &scale = saved[4];
    const bool gated = gate_c.defined();
    torch::Tensor of_h = torch::zeros_like(h), of_c = torch::empty_like(c), of_gate_h, of_gate_c;
    torch::Tensor of_scale = torch::zeros_like(scale), of_shift = torch::zeros_like(scale);
    if (gated) {
      of_gate_h = torch::zeros_like(gate_h);
      of_gate_c = torch::empty_like(gate_c);
    }
    KernelsOf(h.device())
        .gated_back(
            Task(h, gate_h, c, gate_c, scale, saved[5], saved[6]), Float(gradients[0]).data_ptr<float>(),
            {GradientRows(of_h), gated ? GradientRows(of_gate_h) : MutableRows{nullptr, 0}, of_c.data_ptr<float>(),
             gated ? of_gate_c.data_ptr<float>() : nullptr, of_scale.data_ptr<float>(), of_shift.data_ptr<float>()});
    return {of_h, of_gate_h, of_c, of_gate_c, of_scale, of_shift, torch::Tensor(), torch::Tensor()};
  }

 private:
  static GatedTask Task(const torch::Tensor& h, const torch::Tensor& gate_h, const torch::Tensor& c,
                        const torch::Tensor& gate_c, const torch::Tensor& scale, const torch::Tensor& shift,
                        const torch::Tensor& rows) {
    const bool gated = gate_c.defined();
    return {rows.size(0),
            h.size(1),
            rows.data_ptr<int64_t>(),
            RowsOf(h),
            gated ? RowsOf(gate_h) : ConstRows{nullptr, 0},
            c.data_ptr<float>(),
            gated ? gate_c.data_ptr<float>() : nullptr,
            scale.data_ptr<float>(),
            shift.data_ptr<float>()};
  }
};

// ---- Pooling.

class PoolFunction : public torch::autograd::Function<PoolFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows, const torch::Tensor& direction,
                               const RowRanges& ranges, torch::Tensor* weights) {
    context->save_for_backward({rows, direction, ranges.first, ranges.count});
    context->saved_data["most"] = ranges.most;
    torch::Tensor out = torch::empty({ranges.count.size(0), 2 * rows.size(1)}, rows.options());
    if (weights != nullptr) *weights = torch::empty({ranges.total}, rows.options());
    KernelsOf(rows.device())
        .pool(Task(rows, direction, ranges.first, ranges.count, ranges.most), out.data_ptr<float>(),
              weights != nullptr ? weights->data_ptr<float>() : nullptr);
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor of_rows = torch::zeros_like(saved[0]), of_direction = torch::zeros_like(saved[1]);
    KernelsOf(saved[0].device())
        .pool_back(Task(saved[0], saved[1], saved[2], saved[3], context->saved_data["most"].toInt()),
                   Float(gradients[0]).data_ptr<float>(), GradientRows(of_rows), of_direction.data_ptr<float>());
    return {of_rows, of_direction, torch::Tensor(), torch::Tensor()};
  }

 private:
  static PoolTask Task(const torch::Tensor& rows, const torch::Tensor& direction, const torch::Tensor& first,
                       const torch::Tensor& count, int64_t most) {
    return {first.size(0), rows.size(1), RowsOf(rows), ListOf(first, count), most, direction.data_ptr<float>()};
  }
};

}  // namespace

torch::Tensor SumTableRows(const torch::Tensor& table, const torch::Tensor& index) {
  if (HasKernel(table, table.size(1))) return SumRowsFunction::apply(Float(table), index);
  const torch::Tensor real = (index >= 0).to(table.scalar_type()).unsqueeze(2);
  return (GatherRows(table, index.clamp_min(0)) * real).sum(1);
}

torch::Tensor NeighborMessages(const torch::Tensor& rows, const torch::Tensor& table, const torch::Tensor& neighbors,
                               const torch::Tensor& codes) {
  if (HasKernel(rows, rows.size(1))) return MessagesFunction::apply(Float(rows), Float(table), neighbors, codes);
  const torch::Tensor real = (codes >= 0).to(rows.scalar_type()).unsqueeze(2);
  return (torch::relu(GatherRows(rows, neighbors) + GatherRows(table, codes.clamp_min(0))) * real).sum(1);
}

std::pair<torch::Tensor, torch::Tensor> CrossAttention(const AttentionSide& drug, const AttentionSide& target,
                                                       int64_t heads, std::vector<PairWeights>* weights) {
  // The GPU's kernels write no weights.
  if (HasKernel(drug.projected, drug.projected.size(1) / 3 / heads) &&
      (weights == nullptr || drug.projected.is_cpu())) {
    const variable_list read =
        CrossAttentionFunction::apply(Float(drug.projected), Float(target.projected), drug, target, heads, weights);
    return {read[0], read[1]};
  }
  std::vector<torch::Tensor> of_drug, of_target;
  const torch::Tensor drug_read = Read(drug, target, heads, weights == nullptr ? nullptr : &of_drug);
  const torch::Tensor target_read = Read(target, drug, heads, weights == nullptr ? nullptr : &of_target);
  for (size_t p = 0; p < of_drug.size(); ++p) weights->push_back({of_drug[p], of_target[p]});
  return {drug_read, target_read};
}

torch::Tensor GatedResidualNorm(const GatedInput& input, torch::nn::LayerNorm norm, torch::Tensor* gate) {
  const int64_t hidden = input.h.size(1), width = input.gate_c.defined() ? input.gate_c.size(1) : hidden;
  if (width == hidden && HasKernel(input.h, hidden)) {
    const auto optional = [](const torch::Tensor& x) {
      return x.defined() ? c10::optional<torch::Tensor>(Float(x)) : c10::nullopt;
    };
    return GatedFunction::apply(Float(input.h), optional(input.gate_h), Float(input.c), optional(input.gate_c),
                                norm->weight, norm->bias, input.rows, gate);
  }
  torch::Tensor c = input.c;
  if (input.gate_c.defined()) {
    const torch::Tensor g = torch::sigmoid(GatherRows(input.gate_h, input.rows) + input.gate_c);
    if (gate != nullptr) *gate = g.detach();
    c = (g.unsqueeze(2) * c.view({-1, width, hidden / width})).view_as(c);
  }
  return norm->forward(GatherRows(input.h, input.rows) + c);
}

torch::Tensor PoolRanges(const torch::Tensor& rows, const torch::Tensor& direction, const RowRanges& ranges,
                         torch::Tensor* weights) {
  if (HasKernel(rows, rows.size(1)) && (weights == nullptr || rows.is_cpu()))
    return PoolFunction::apply(Float(rows), Float(direction), ranges, weights);
  const Padded padded = Pad(ranges);
  const torch::Tensor tokens = GatherRows(rows, padded.rows);  // [ranges, most, width]
  const torch::Tensor scores = (tokens * direction).sum(2);
  const torch::Tensor shares = torch::softmax(Masked(scores, padded.mask), 1);
  if (weights != nullptr) *weights = shares.detach().masked_select(padded.mask);
  const torch::Tensor largest = Masked(tokens, padded.mask.unsqueeze(2)).amax(1);
  return torch::cat({(tokens * shares.unsqueeze(2)).sum(1), largest}, 1);
}

}  // namespace deepbindnet
