// The two spellings of an option's name.
#ifndef DEEPBINDNET_PROTO_FLAGS_OPTION_NAMES_H_
#define DEEPBINDNET_PROTO_FLAGS_OPTION_NAMES_H_

#include <string>
#include <vector>

namespace deepbindnet {

// Option names with '_' for '-' become the hyphen form, in which options are declared: "--hidden_dim=64" is
// "--hidden-dim=64". Values, and what stands after a lone "--", stay.
std::vector<std::string> NormalizeOptionNames(std::vector<std::string> arguments);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_PROTO_FLAGS_OPTION_NAMES_H_
