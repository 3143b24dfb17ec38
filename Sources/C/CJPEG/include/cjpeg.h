// JPEG in and out of memory over libjpeg, without letting its errors leave by longjmp.
//
// Every call is complete in itself: it keeps no state, frees what it allocates, and may run on
// several threads at once. Buffers belong to the caller.
#ifndef CJPEG_H
#define CJPEG_H

#include <stddef.h>

// What became of a call.
enum cjpeg_status {
  CJPEG_OK,
  CJPEG_TRUNCATED,        // the data ends before the image does
  CJPEG_CORRUPT,          // libjpeg gave up
  CJPEG_UNSUPPORTED,      // a kind of JPEG that is not decoded
  CJPEG_TOO_MANY_SCANS,   // more than cjpeg_limits.scans
  CJPEG_TOO_MUCH_MEMORY,  // more than cjpeg_limits.memory, or than there is
  CJPEG_BUFFER_FULL       // the encoder's output does not fit
};

struct cjpeg_limits {
  int scans;    // passes over a progressive image
  long memory;  // bytes of libjpeg's own buffers
};

// What a file's header says. Sizes are those of the stored picture, before it is turned upright.
struct cjpeg_header {
  int width;
  int height;
  size_t exif_offset;  // of the TIFF structure in the first EXIF block
  size_t exif_count;   // its bytes; 0 when there is none
};

// libjpeg's words on a call, empty when it has none.
struct cjpeg_report {
  char error[200];
  char warning[200];  // the first one
  long warning_count;
};

// Reads everything in front of the picture's data.
enum cjpeg_status cjpeg_read_header(const unsigned char *bytes, size_t count,
                                    struct cjpeg_header *header, struct cjpeg_report *report);

// A side's pixels when the image is decoded at `eighths` / 8 of its size: rounded up.
int cjpeg_scaled(int side, int eighths);

// Decodes at `eighths` / 8 of full size (8, 4, 2 or 1), by the accurate integer transform with
// smooth chroma upsampling.
//
// `pixels` takes width * height * 3 bytes, the sizes from cjpeg_read_header of the same bytes, by
// cjpeg_scaled: RGB, row-major, turned upright from EXIF `orientation` (1...8). Undefined after a
// failure.
enum cjpeg_status cjpeg_decode(const unsigned char *bytes, size_t count, int orientation,
                               int eighths, const struct cjpeg_limits *limits,
                               unsigned char *pixels, struct cjpeg_report *report);

struct cjpeg_encoding {
  int quality;      // 1...100
  int gray;         // only the brightness is written
  int progressive;  // several scans
  int subsampled;   // chroma at half size both ways
};

// Encodes row-major RGB `pixels` into `bytes`; `*count` is its capacity, then the bytes used.
enum cjpeg_status cjpeg_encode(const unsigned char *pixels, int width, int height,
                               const struct cjpeg_encoding *encoding, unsigned char *bytes,
                               size_t *count, struct cjpeg_report *report);

#endif
