/* A libnvidia-ml.so.1 whose GPUs a test scripts. Layouts and numbers are those of NVIDIA's nvml.h, written anew. */
#include <stdio.h>
#include <string.h>

enum {
  SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7,
  ARGUMENT_VERSION_MISMATCH = 25
};

typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned long long total, free, used; } memory_v1;
typedef struct { unsigned int pid; unsigned long long used_bytes; unsigned int gpu_instance, compute_instance; } process;
typedef struct {
  char bus_id_legacy[16];
  unsigned int domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
} pci_info;
typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned int version; int sensor; int temperature; } temperature_v1;

/* What the test writes; fake_nvml.py has the same structure. */
typedef struct {
  char name[96], uuid[96];
  unsigned int domain, bus, device;
  unsigned long long total, reserved, used;
  unsigned int compute_count, graphics_count, compute_grows;
  process compute[8], graphics[8];
  int error, list_error, sensor_error, memory_error, v2_error, handle_error;
  int temperature;
  unsigned int utilization, mig;
} gpu;
struct { int init_result, count, inits, initialised; gpu gpus[4]; } fake_nvml;

#define CHECK(handle) \
  gpu *g = (handle); \
  if (!fake_nvml.initialised) return UNINITIALIZED; \
  if (g->error) return g->error

int nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  fake_nvml.inits++;
  if (!fake_nvml.init_result) fake_nvml.initialised = 1;
  return fake_nvml.init_result;
}

int nvmlShutdown(void) {
  if (!fake_nvml.initialised) return UNINITIALIZED;
  fake_nvml.initialised = 0;
  return SUCCESS;
}

const char *nvmlErrorString(int result) {
  static char text[32];
  snprintf(text, sizeof text, "scripted %d", result);
  return text;
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
  if (!fake_nvml.initialised) return UNINITIALIZED;
  *count = fake_nvml.count;
  return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, gpu **handle) {
  if (!fake_nvml.initialised) return UNINITIALIZED;
  if (index >= (unsigned int)fake_nvml.count) return INVALID_ARGUMENT;
  *handle = &fake_nvml.gpus[index];
  return (*handle)->handle_error;
}

int nvmlDeviceGetPciInfo_v3(gpu *handle, pci_info *info) {
  CHECK(handle);
  memset(info, 0, sizeof *info);
  info->domain = g->domain;
  info->bus = g->bus;
  info->device = g->device;
  return SUCCESS;
}

int nvmlDeviceGetName(gpu *handle, char *text, unsigned int length) {
  CHECK(handle);
  snprintf(text, length, "%s", g->name);
  return SUCCESS;
}

int nvmlDeviceGetUUID(gpu *handle, char *text, unsigned int length) {
  CHECK(handle);
  snprintf(text, length, "%s", g->uuid);
  return SUCCESS;
}

int nvmlDeviceGetMigMode(gpu *handle, unsigned int *current, unsigned int *pending) {
  CHECK(handle);
  if (!g->mig) return NOT_SUPPORTED;
  *current = *pending = 1;
  return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(gpu *handle, memory_v1 *memory) {
  CHECK(handle);
  if (g->memory_error) return g->memory_error;
  memory->total = g->total;
  memory->used = g->reserved + g->used;
  memory->free = g->total - memory->used;
  return SUCCESS;
}

#ifndef OLD_DRIVER
int nvmlDeviceGetMemoryInfo_v2(gpu *handle, memory_v2 *memory) {
  CHECK(handle);
  if (g->memory_error) return g->memory_error;
  if (g->v2_error) return g->v2_error;
  if (memory->version != (sizeof(memory_v2) | 2u << 24)) return ARGUMENT_VERSION_MISMATCH;
  memory->total = g->total;
  memory->reserved = g->reserved;
  memory->used = g->used;
  memory->free = g->total - g->reserved - g->used;
  return SUCCESS;
}

int nvmlDeviceGetTemperatureV(gpu *handle, temperature_v1 *temperature) {
  CHECK(handle);
  if (g->sensor_error) return g->sensor_error;
  if (temperature->version != (sizeof(temperature_v1) | 1u << 24)) return ARGUMENT_VERSION_MISMATCH;
  temperature->temperature = g->temperature;
  return SUCCESS;
}
#endif

int nvmlDeviceGetTemperature(gpu *handle, int sensor, unsigned int *temperature) {
  (void)sensor;
  CHECK(handle);
  if (g->sensor_error) return g->sensor_error;
  *temperature = g->temperature;
  return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(gpu *handle, utilization *rates) {
  CHECK(handle);
  if (g->sensor_error) return g->sensor_error;
  rates->gpu = g->utilization;
  rates->memory = 0;
  return SUCCESS;
}

static int list(unsigned int *room, process *to, const process *from, unsigned int count) {
  if (*room < count) {
    *room = count;
    return INSUFFICIENT_SIZE;
  }
  *room = count;
  if (count) memcpy(to, from, count * sizeof *from);
  return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(gpu *handle, unsigned int *room, process *to) {
  CHECK(handle);
  if (g->list_error) return g->list_error;
  if (to && g->compute_grows) { /* between the two calls of the binding more processes came than it made room for */
    g->compute_grows--;
    return INSUFFICIENT_SIZE;
  }
  return list(room, to, g->compute, g->compute_count);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(gpu *handle, unsigned int *room, process *to) {
  CHECK(handle);
  if (g->list_error) return g->list_error;
  return list(room, to, g->graphics, g->graphics_count);
}
