// What the operator lets one request, or one client, have.
#ifndef DEEPBINDNET_SERVER_RPC_REQUEST_LIMITS_H_
#define DEEPBINDNET_SERVER_RPC_REQUEST_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace deepbindnet {

struct RequestLimits {
  uint64_t max_upload_bytes = uint64_t{8} << 30;  // Of one data set file.
  uint64_t min_free_bytes = 0;                    // That an upload leaves on the disk.
  size_t max_message_bytes = 33 << 20;            // Of one message that a client sends.
  int max_pairs = 4096;                           // Of one Predict call.
  // Of one text; a longer one fails the pairs that refer to it.
  size_t max_smiles_length = 4096;
  size_t max_sequence_length = 10000;
  int max_streams_per_client = 256;  // Open at the same time.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_REQUEST_LIMITS_H_
