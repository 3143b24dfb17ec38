// PNG out of memory over libpng, without letting its errors leave by longjmp.
//
// Every call is complete in itself: it keeps no state, frees what it allocates, and may run on
// several threads at once. Buffers belong to the caller.
#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>

// What became of a call.
enum cpng_status {
  CPNG_OK,
  CPNG_TRUNCATED,       // the data ends before the image does
  CPNG_CORRUPT,         // libpng gave up
  CPNG_TOO_MUCH_MEMORY  // more than cpng_limits.memory, or than there is
};

struct cpng_limits {
  size_t memory;  // bytes that libpng may hold at a time, and that this code does beside it
};

// What a file's header says.
struct cpng_header {
  int width;
  int height;
};

// What becomes of transparency.
enum cpng_alpha {
  CPNG_ALPHA_DROPPED,  // pixels keep their colours, whatever shows of them
  CPNG_ALPHA_WHITE     // pixels are laid on white
};

// libpng's words on a call, empty when it has none.
struct cpng_report {
  char error[200];
  char warning[200];  // the first one
  long warning_count;
};

// Reads the header and nothing else.
enum cpng_status cpng_read_header(const unsigned char *bytes, size_t count,
                                  struct cpng_header *header, struct cpng_report *report);

// Decodes the picture (of an animation: the one that programs show that know of none).
//
// `pixels` takes width * height * 3 bytes, the sizes from cpng_read_header of the same bytes: RGB,
// row-major. Samples of 16 bits are rounded to 8, of fewer spread over 0...255; gray becomes three
// equal channels; colour spaces and gamma are ignored. Undefined after a failure.
enum cpng_status cpng_decode(const unsigned char *bytes, size_t count, enum cpng_alpha alpha,
                             const struct cpng_limits *limits, unsigned char *pixels,
                             struct cpng_report *report);

#endif
