// cblas.h as it is; this file exists because a module map names headers beside itself.
#pragma once
#include <cblas.h>
