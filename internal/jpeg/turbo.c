// See turbo.h.
#include "turbo.h"

#include <string.h>

#if defined(__has_include)
#if __has_include(<jpeglib.h>) && __has_include(<dlfcn.h>)
#define ICL_HAVE_JPEG 1
#endif
#endif

#ifndef ICL_HAVE_JPEG

int icl_jpeg_available(void) { return 0; }
void icl_jpeg_header(icl_jpeg* j, const unsigned char* data, size_t size) {
  strcpy(j->error, "built without jpeglib.h");
}
void icl_jpeg_decode(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb) {
  strcpy(j->error, "built without jpeglib.h");
}

#else

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
// jpeglib.h needs stdio.h before it.
#include <jpeglib.h>

// The program is not linked with the library, so it also runs on a machine without libjpeg.
static struct {
  int ready;
  struct jpeg_error_mgr* (*std_error)(struct jpeg_error_mgr*);
  void (*create)(j_decompress_ptr, int, size_t);
  void (*mem_src)(j_decompress_ptr, const unsigned char*, unsigned long);
  int (*read_header)(j_decompress_ptr, boolean);
  boolean (*start)(j_decompress_ptr);
  JDIMENSION (*scanlines)(j_decompress_ptr, JSAMPARRAY, JDIMENSION);
  JDIMENSION (*skip)(j_decompress_ptr, JDIMENSION);          // libjpeg-turbo only
  void (*crop)(j_decompress_ptr, JDIMENSION*, JDIMENSION*);  // libjpeg-turbo only
  boolean (*finish)(j_decompress_ptr);
  void (*destroy)(j_decompress_ptr);
} lib;

static pthread_once_t once = PTHREAD_ONCE_INIT;

#define STRING2(x) #x
#define STRING(x) STRING2(x)

static void load(void) {
  void* h = dlopen("libjpeg.so." STRING(JPEG_LIB_VERSION), RTLD_NOW | RTLD_LOCAL);
  if (!h) h = dlopen(JPEG_LIB_VERSION == 80 ? "libjpeg.so.8" : "libjpeg.so.62", RTLD_NOW | RTLD_LOCAL);
  if (!h) return;
#define FIND(field, name) *(void**)&lib.field = dlsym(h, name)
  FIND(std_error, "jpeg_std_error");
  FIND(create, "jpeg_CreateDecompress");
  FIND(mem_src, "jpeg_mem_src");
  FIND(read_header, "jpeg_read_header");
  FIND(start, "jpeg_start_decompress");
  FIND(scanlines, "jpeg_read_scanlines");
  FIND(skip, "jpeg_skip_scanlines");
  FIND(crop, "jpeg_crop_scanline");
  FIND(finish, "jpeg_finish_decompress");
  FIND(destroy, "jpeg_destroy_decompress");
  lib.ready = lib.std_error && lib.create && lib.mem_src && lib.read_header && lib.start && lib.scanlines &&
              lib.finish && lib.destroy;
}

int icl_jpeg_available(void) {
  pthread_once(&once, load);
  return lib.ready;
}

struct manager {
  struct jpeg_error_mgr base;
  struct jpeg_progress_mgr progress;
  jmp_buf back;
  char* message;
};

static void on_error(j_common_ptr c) {
  struct manager* m = (struct manager*)c->err;
  char text[JMSG_LENGTH_MAX];
  m->base.format_message(c, text);
  strncpy(m->message, text, 199);
  longjmp(m->back, 1);
}

// libjpeg makes up the missing data that it warns about. Pictures whose data end early are refused, as PIL does;
// pictures with other warnings are accepted.
static void on_message(j_common_ptr c, int level) {
  if (level < 0) {
    struct manager* m = (struct manager*)c->err;
    char text[JMSG_LENGTH_MAX];
    m->base.format_message(c, text);
    if (strstr(text, "remature end")) {
      strncpy(m->message, text, 199);
      longjmp(m->back, 1);
    }
  }
}

// Without a limit, a small file of many scans could take hours.
static void on_progress(j_common_ptr c) {
  struct manager* m = (struct manager*)c->err;
  if (c->is_decompressor && ((j_decompress_ptr)c)->input_scan_number > 200) {
    strcpy(m->message, "more than 200 scans");
    longjmp(m->back, 1);
  }
}

// PIL's conversion, with its rounding. All CMYK is taken to be inverted, as Adobe writes it, even if the file does not
// say that Adobe's software wrote it.
static void from_cmyk(unsigned char* rgb, const unsigned char* cmyk, int columns) {
  for (int x = 0; x < columns; x++, rgb += 3, cmyk += 4)
    for (int k = 0; k < 3; k++) {
      int white = cmyk[3], t = (255 - cmyk[k]) * white + 128;
      rgb[k] = (unsigned char)(white - ((t + (t >> 8)) >> 8));
    }
}

// Decodes the columns and rows that j names, and as little as possible around them. The margins keep the chroma at the
// part's edges as in the whole picture, because chroma is interpolated from neighbours.
static void part(j_decompress_ptr c, const icl_jpeg* j, JSAMPROW row, unsigned char* rgb) {
  int each = c->output_components;
  enum { margin = 16 };
  JDIMENSION at = 0, width = c->output_width;
  int y = 0;
  if (lib.crop && lib.skip) {
    at = j->left > margin ? j->left - margin : 0;
    width = j->left + j->columns + margin < (int)c->output_width ? j->left + j->columns + margin - at
                                                                 : c->output_width - at;
    lib.crop(c, &at, &width);
    if (j->top > margin) y = lib.skip(c, j->top - margin);
  }
  for (; y < j->top + j->rows; y++) {
    lib.scanlines(c, &row, 1);
    unsigned char* to = rgb + (size_t)(y - j->top) * j->columns * 3;
    if (y >= j->top && each == 4) from_cmyk(to, row + (j->left - at) * 4, j->columns);
    if (y >= j->top && each == 3) memcpy(to, row + (j->left - at) * 3, (size_t)j->columns * 3);
  }
  if (c->output_scanline == c->output_height) lib.finish(c);
}

static void run(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb) {
  struct jpeg_decompress_struct c;
  struct manager m;
  unsigned char* volatile rows = NULL;  // changed after setjmp
  memset(&c, 0, sizeof c);
  memset(&m, 0, sizeof m);
  j->error[0] = j->error[199] = 0;
  if (!icl_jpeg_available()) {
    strcpy(j->error, "no libjpeg was found on this machine");
    return;
  }
  m.message = j->error;
  c.err = lib.std_error(&m.base);
  m.base.error_exit = on_error;
  m.base.emit_message = on_message;
  m.progress.progress_monitor = on_progress;
  if (setjmp(m.back)) {
    free(rows);
    lib.destroy(&c);
    return;
  }
  lib.create(&c, JPEG_LIB_VERSION, sizeof c);
  c.progress = &m.progress;
  lib.mem_src(&c, data, size);
  lib.read_header(&c, TRUE);
  if (rgb && ((int)c.image_width != j->width || (int)c.image_height != j->height)) {
    strcpy(j->error, "the size changed");
  } else if (rgb) {
    c.out_color_space = c.num_components == 4 ? JCS_CMYK : JCS_RGB;
    c.scale_num = 1;
    c.scale_denom = j->shrink;
    lib.start(&c);
    rows = malloc((size_t)c.output_width * c.output_components);
    if (!rows || j->left + j->columns > (int)c.output_width || j->top + j->rows > (int)c.output_height)
      strcpy(j->error, rows ? "a part outside of the picture" : "no memory");
    else
      part(&c, j, rows, rgb);
    free(rows);
  }
  j->width = c.image_width;
  j->height = c.image_height;
  j->components = c.num_components;
  lib.destroy(&c);
}

void icl_jpeg_header(icl_jpeg* j, const unsigned char* data, size_t size) { run(j, data, size, NULL); }
void icl_jpeg_decode(icl_jpeg* j, const unsigned char* data, size_t size, unsigned char* rgb) {
  run(j, data, size, rgb);
}

#endif
