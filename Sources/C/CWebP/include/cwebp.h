// WebP out of memory over libwebp.
//
// Every call is complete in itself: it keeps no state, frees what it allocates, and may run on
// several threads at once. Buffers belong to the caller.
#ifndef CWEBP_H
#define CWEBP_H

#include <stddef.h>

// What became of a call.
enum cwebp_status {
  CWEBP_OK,
  CWEBP_TRUNCATED,       // the data ends before the image does
  CWEBP_CORRUPT,         // libwebp gave up
  CWEBP_TOO_MUCH_MEMORY  // more than there is
};

// What a file's header says. Sizes are those of the stored picture, before it is turned upright.
struct cwebp_header {
  int width;
  int height;
  size_t exif_offset;  // of the EXIF block
  size_t exif_count;   // its bytes; 0 when there is none
};

// What becomes of transparency.
enum cwebp_alpha {
  CWEBP_ALPHA_DROPPED,  // pixels keep their colours, whatever shows of them
  CWEBP_ALPHA_WHITE     // pixels are laid on white
};

// Reads the headers.
enum cwebp_status cwebp_read_header(const unsigned char *bytes, size_t count,
                                    struct cwebp_header *header);

// Decodes the picture; of an animation the first frame, on black (or white) where it does not reach.
//
// `pixels` takes width * height * 3 bytes, the sizes from cwebp_read_header of the same bytes: RGB,
// row-major. Undefined after a failure.
enum cwebp_status cwebp_decode(const unsigned char *bytes, size_t count, enum cwebp_alpha alpha,
                               unsigned char *pixels);

#endif
