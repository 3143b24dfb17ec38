#include "cpng.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

// One call's arguments and state.
struct decoder {
  jmp_buf exit;
  enum cpng_status status;
  struct cpng_report *report;
  png_structp png;
  png_infop info;
  const unsigned char *bytes;
  size_t count;
  size_t done;
  size_t memory;       // that libpng holds
  size_t memory_limit;
  int is_complete;     // every row is there: what is wrong from here on takes nothing from it
  enum cpng_alpha alpha;
  unsigned char *pixels;
  unsigned char *rows;  // with transparency, before it is laid on white
};

static _Noreturn void leave(struct decoder *decoder, enum cpng_status status) {
  decoder->status = status;
  longjmp(decoder->exit, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  struct cpng_report *report = ((struct decoder *)png_get_error_ptr(png))->report;
  if (report->warning_count++ == 0) snprintf(report->warning, sizeof report->warning, "%s", text);
}

static _Noreturn void on_error(png_structp png, png_const_charp text) {
  struct decoder *decoder = png_get_error_ptr(png);
  // The checksums of the pixels' own data are read after the last row; they do count.
  if (decoder->is_complete && png_get_io_chunk_type(png) != 0x49444154 /* IDAT */) {
    on_warning(png, text);
    leave(decoder, CPNG_OK);
  }
  snprintf(decoder->report->error, sizeof decoder->report->error, "%s", text);
  leave(decoder, CPNG_CORRUPT);
}

// MARK: The input: all in memory; its end is an error.

static void on_read(png_structp png, png_bytep target, size_t count) {
  struct decoder *decoder = png_get_io_ptr(png);
  if (count > decoder->count - decoder->done) {
    char text[100];
    int is_complete = decoder->is_complete;
    snprintf(text, sizeof text, "the data ends after %zu bytes, before %s", decoder->count,
             is_complete ? "its end mark" : "the image does");
    if (is_complete) {
      on_warning(png, text);
      leave(decoder, CPNG_OK);
    }
    snprintf(decoder->report->error, sizeof decoder->report->error, "%s", text);
    leave(decoder, CPNG_TRUNCATED);
  }
  memcpy(target, decoder->bytes + decoder->done, count);
  decoder->done += count;
}

// MARK: Memory, counted: each block remembers its size in front of it.

enum { block_header = 16 };

static png_voidp on_allocate(png_structp png, png_alloc_size_t count) {
  struct decoder *decoder = png_get_mem_ptr(png);
  if (count > decoder->memory_limit - decoder->memory) {
    snprintf(decoder->report->error, sizeof decoder->report->error, "%zu more bytes asked for",
             (size_t)count);
    leave(decoder, CPNG_TOO_MUCH_MEMORY);
  }
  size_t *block = malloc(count + block_header);
  if (block == NULL) leave(decoder, CPNG_TOO_MUCH_MEMORY);
  *block = count;
  decoder->memory += count;
  return (char *)block + block_header;
}

static void on_free(png_structp png, png_voidp block) {
  if (block == NULL) return;
  struct decoder *decoder = png_get_mem_ptr(png);
  size_t *start = (size_t *)((char *)block - block_header);
  decoder->memory -= *start;
  free(start);
}

// MARK: Decoding

// Only what the pixels need is read: text and profiles may be compressed, to any size.
static void skip_other_chunks(png_structp png) {
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  static const png_byte used[] = "IHDR\0PLTE\0tRNS\0IDAT\0IEND";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, used, sizeof used / 5);
}

static void open_file(struct decoder *decoder) {
  png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning,
                                             decoder, on_allocate, on_free);
  if (png == NULL) leave(decoder, CPNG_TOO_MUCH_MEMORY);
  decoder->png = png;
  decoder->info = png_create_info_struct(png);
  if (decoder->info == NULL) leave(decoder, CPNG_TOO_MUCH_MEMORY);
  png_set_read_fn(png, decoder, on_read);
  // The caller has a limit of its own, for the product.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  skip_other_chunks(png);
}

static void choose_format(struct decoder *decoder) {
  png_structp png = decoder->png;
  int is_white = decoder->alpha == CPNG_ALPHA_WHITE;
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  if (is_white)
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
  else
    png_set_strip_alpha(png);
}

static void lay_on_white(unsigned char *rgb, const unsigned char *rgba, size_t count) {
  for (; count > 0; count--, rgb += 3, rgba += 4) {
    unsigned alpha = rgba[3];
    for (int c = 0; c < 3; c++)
      rgb[c] = (unsigned char)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

static void decode(struct decoder *decoder) {
  open_file(decoder);
  png_structp png = decoder->png;
  png_read_info(png, decoder->info);
  choose_format(decoder);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, decoder->info);
  size_t width = png_get_image_width(png, decoder->info);
  size_t height = png_get_image_height(png, decoder->info);
  int is_white = decoder->alpha == CPNG_ALPHA_WHITE;
  if (png_get_rowbytes(png, decoder->info) != width * (is_white ? 4 : 3))
    png_error(png, "rows of an unexpected length");
  // Passes of an interlaced picture add to the rows of the one before.
  size_t kept = passes > 1 ? height : 1;
  if (is_white) decoder->rows = png_malloc(png, width * 4 * kept);
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < height; y++) {
      unsigned char *target = decoder->pixels + y * width * 3;
      unsigned char *row = is_white ? decoder->rows + (kept > 1 ? y * width * 4 : 0) : target;
      png_read_row(png, row, NULL);
      if (is_white && pass == passes - 1) lay_on_white(target, row, width);
    }
  }
  decoder->is_complete = 1;
  png_read_end(png, NULL);
}

static void read_header(struct decoder *decoder) {
  // Not by png_read_info, which reads on to the pixels.
  static const unsigned char beginning[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0,
                                            0,    0,   13,  'I', 'H',  'D',  'R'};
  char *text = decoder->report->error;
  size_t compared = decoder->count < sizeof beginning ? decoder->count : sizeof beginning;
  if (memcmp(decoder->bytes, beginning, compared) != 0) {
    snprintf(text, sizeof decoder->report->error, "no header where one should be");
    leave(decoder, CPNG_CORRUPT);
  }
  if (decoder->count < sizeof beginning + 8) {
    snprintf(text, sizeof decoder->report->error,
             "the data ends after %zu bytes, before the image does", decoder->count);
    leave(decoder, CPNG_TRUNCATED);
  }
}

static uint32_t big_endian(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum cpng_status run(struct decoder *decoder, void (*body)(struct decoder *)) {
  memset(decoder->report, 0, sizeof *decoder->report);
  if (setjmp(decoder->exit) == 0) body(decoder);
  if (decoder->png != NULL) {
    if (decoder->rows != NULL) png_free(decoder->png, decoder->rows);
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
  }
  return decoder->status;
}

enum cpng_status cpng_read_header(const unsigned char *bytes, size_t count,
                                  struct cpng_header *header, struct cpng_report *report) {
  struct decoder decoder = {.bytes = bytes, .count = count, .report = report};
  enum cpng_status status = run(&decoder, read_header);
  if (status != CPNG_OK) return status;
  uint32_t width = big_endian(bytes + 16), height = big_endian(bytes + 20);
  if (width == 0 || height == 0 || width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) {
    snprintf(report->error, sizeof report->error, "the header claims %u x %u pixels", width,
             height);
    return CPNG_CORRUPT;
  }
  *header = (struct cpng_header){(int)width, (int)height};
  return CPNG_OK;
}

enum cpng_status cpng_decode(const unsigned char *bytes, size_t count, enum cpng_alpha alpha,
                             const struct cpng_limits *limits, unsigned char *pixels,
                             struct cpng_report *report) {
  struct decoder decoder = {
      .bytes = bytes,
      .count = count,
      .report = report,
      .memory_limit = limits->memory,
      .alpha = alpha,
      .pixels = pixels,
  };
  return run(&decoder, decode);
}
