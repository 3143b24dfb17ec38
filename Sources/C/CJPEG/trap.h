// How libjpeg's errors and warnings become status codes; shared by decoder and encoder.
#ifndef TRAP_H
#define TRAP_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "cjpeg.h"

struct trap {
  struct jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is one to the trap
  jmp_buf exit;
  enum cjpeg_status status;
  struct cjpeg_report *report;
  // Called for every warning, before it is counted; NULL for none.
  void (*on_warning)(j_common_ptr codec);
};

// Sets up a trap; a codec whose `err` is the result falls into it.
struct jpeg_error_mgr *trap_install(struct trap *trap, struct cjpeg_report *report);

// Runs `body(state)` until it returns or libjpeg gives up. What `body` changes must not be local to
// the caller's frame alone: `state` holds it.
enum cjpeg_status trap_run(struct trap *trap, void (*body)(void *state), void *state);

// Leaves trap_run with `status`; the report's error text must be set.
_Noreturn void trap_leave(j_common_ptr codec, enum cjpeg_status status);

#endif
