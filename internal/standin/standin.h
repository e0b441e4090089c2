// The C interface of the stand-in device.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int64_t reads, late, uploads;
} standin_counts;

standin_counts standin_counted(void);
// While on, reading a value of the device is an error.
void standin_forbid(int on);

#ifdef __cplusplus
}
#endif
