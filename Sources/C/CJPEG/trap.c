#include "trap.h"

#include <string.h>

#include <jerror.h>

static enum cjpeg_status status_of(int message) {
  switch (message) {
  case JERR_OUT_OF_MEMORY:
  case JERR_NO_BACKING_STORE:  // what libjpeg says when max_memory_to_use is reached
    return CJPEG_TOO_MUCH_MEMORY;
  case JERR_SOF_UNSUPPORTED:
  case JERR_BAD_PRECISION:
  case JERR_CONVERSION_NOTIMPL:
  case JERR_ARITH_NOTIMPL:
    return CJPEG_UNSUPPORTED;
  default:
    return CJPEG_CORRUPT;
  }
}

_Noreturn void trap_leave(j_common_ptr codec, enum cjpeg_status status) {
  struct trap *trap = (struct trap *)codec->err;
  trap->status = status;
  longjmp(trap->exit, 1);
}

static void format(j_common_ptr codec, char text[200]) {
  char message[JMSG_LENGTH_MAX];
  codec->err->format_message(codec, message);
  snprintf(text, 200, "%s", message);
}

static _Noreturn void on_error(j_common_ptr codec) {
  format(codec, ((struct trap *)codec->err)->report->error);
  trap_leave(codec, status_of(codec->err->msg_code));
}

// Levels from 0 are traces of no interest; -1 is a warning: the data is damaged, decoding goes on.
static void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  struct trap *trap = (struct trap *)codec->err;
  if (trap->on_warning) trap->on_warning(codec);
  struct cjpeg_report *report = trap->report;
  if (report->warning_count++ == 0) format(codec, report->warning);
}

struct jpeg_error_mgr *trap_install(struct trap *trap, struct cjpeg_report *report) {
  memset(trap, 0, sizeof *trap);
  memset(report, 0, sizeof *report);
  trap->report = report;
  struct jpeg_error_mgr *manager = jpeg_std_error(&trap->manager);
  manager->error_exit = on_error;
  manager->emit_message = on_message;
  return manager;
}

enum cjpeg_status trap_run(struct trap *trap, void (*body)(void *state), void *state) {
  if (setjmp(trap->exit) == 0) body(state);
  return trap->status;
}
