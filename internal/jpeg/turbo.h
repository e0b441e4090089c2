// JPEG decoding by the system's libjpeg(-turbo), which is loaded when the program runs.
#pragma once
#include <stddef.h>

typedef struct {
  int width, height, components;  // of the picture
  int shrink;                     // decode at 1/shrink of the size: 1, 2, 4 or 8
  int left, top, columns, rows;   // the part to decode, in pixels of that size
  char error[200];                // empty without an error
} icl_jpeg;

// Whether a libjpeg was found.
int icl_jpeg_available(void);
// Reads the header.
void icl_jpeg_header(icl_jpeg* j, const unsigned char* data, size_t size);
// Decodes the part of a gray or colour picture that j names into columns*rows*3 bytes. j must have the size that the
// header gives.
void icl_jpeg_decode(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb);
