#ifndef UNIPRESENCE_SERVER_METRICS_PROCESS_METRICS_H_
#define UNIPRESENCE_SERVER_METRICS_PROCESS_METRICS_H_

// What the kernel says of this process. Any thread; each call reads /proc.

namespace unipresence {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double threads = 0;
  double open_descriptors = 0;
  double max_descriptors = 0;
  double start_time_seconds = 0;  // since 1970
};

// Fields that cannot be read are 0.
ProcessUsage ReadProcessUsage();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_PROCESS_METRICS_H_
