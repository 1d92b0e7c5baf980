// Two GPUs, of which one does not answer, behind the interface of NVIDIA's management library.
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct Utilization {
  unsigned int gpu;
  unsigned int memory;
};

extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  static int devices[2];
  *device = &devices[index];
  return index == 0 ? 15 : 0;  // 15: the GPU is lost.
}
int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
  *memory = {80000, 50000, 30000};
  return 0;
}
int nvmlDeviceGetUtilizationRates(void*, Utilization* utilization) {
  *utilization = {75, 10};
  return 0;
}
}
