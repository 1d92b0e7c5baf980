// How our processes use the machine: decided before anything else runs.
#ifndef DEEPBINDNET_SERVER_RUNTIME_RUNTIME_H_
#define DEEPBINDNET_SERVER_RUNTIME_RUNTIME_H_

namespace deepbindnet {

// Call first in main(). Makes waiting OpenMP threads sleep instead of spin (OMP_WAIT_POLICY=PASSIVE, where the
// environment does not say otherwise): libgomp reads it while the program is loaded, so the program then starts itself
// anew, once, under the same process id and with the same descriptors. Linking it also makes jemalloc the allocator,
// has it give unused memory back after seconds, and ask for huge pages; the environment's MALLOC_CONF goes before that.
// Where any of it is not possible the process goes on without: slower, not wrong.
void PrepareProcess(int argc, char** argv);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RUNTIME_RUNTIME_H_
