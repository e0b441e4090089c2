// JPEG by the system's libjpeg(-turbo), found when the program runs.
#pragma once
#include <stddef.h>

typedef struct {
  int width, height, components;
  char error[200];  // empty: no error
} icl_jpeg;

// Whether there is one.
int icl_jpeg_available(void);
// Reads the header.
void icl_jpeg_header(icl_jpeg* j, const unsigned char* data, size_t size);
// Decodes gray and colour pictures into width*height*3 bytes, of the size that
// the header says.
void icl_jpeg_decode(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb);
