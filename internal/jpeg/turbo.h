// JPEG by the system's libjpeg(-turbo), found when the program runs.
#pragma once
#include <stddef.h>

typedef struct {
  int width, height, components;    // of the picture
  int shrink;                       // decode at 1/shrink of the size: 1, 2, 4 or 8
  int left, top, columns, rows;     // what to decode, in pixels of that size
  char error[200];                  // empty: no error
} icl_jpeg;

// Whether there is one.
int icl_jpeg_available(void);
// Reads the header.
void icl_jpeg_header(icl_jpeg* j, const unsigned char* data, size_t size);
// Decodes what j names of a gray or colour picture, of the size that the header
// says, into columns*rows*3 bytes.
void icl_jpeg_decode(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb);
