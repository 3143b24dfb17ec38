// OpenSSL's digests; everything that is used of them imports into Swift as it is.
#pragma once
#include <openssl/evp.h>
