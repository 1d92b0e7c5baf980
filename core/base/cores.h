// How many cores this process may use.
#ifndef DEEPBINDNET_CORE_BASE_CORES_H_
#define DEEPBINDNET_CORE_BASE_CORES_H_

namespace deepbindnet {

// 1 or more: the cores of the process's affinity mask, or fewer where a control group (a container's --cpus, a systemd
// unit's CPUQuota=) allows less time than theirs; a part of a core counts as one.
int UsableCores();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_CORES_H_
