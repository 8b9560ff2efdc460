// What JavaScript cannot do itself: system calls, calls of C functions, and memory by its address (Node-API).
//
// Every argument is a machine word: a number, a bigint, null for 0, or a Uint8Array for the address of its bytes. A
// buffer that is an argument stays alive until the call returns. There is no C library here: only the engine, which
// loads this, and dlopen(3) of the library that it uses itself.

#include <node_api.h>

enum { NUMBER = 1, WORDS = 6, MOST_ARGUMENTS = 16 };

typedef long (*function)(long, long, long, long, long, long);

void *dlopen(const char *path, int flags);
void *dlsym(void *library, const char *name);
char *dlerror(void);

static long system_call(long number, const long *words) {
#if defined(__x86_64__)
  register long result __asm__("rax") = number;
  register long a __asm__("rdi") = words[0], b __asm__("rsi") = words[1], c __asm__("rdx") = words[2];
  register long d __asm__("r10") = words[3], e __asm__("r8") = words[4], f __asm__("r9") = words[5];
  __asm__ volatile("syscall"
                   : "+r"(result)
                   : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long which __asm__("x8") = number;
  register long result __asm__("x0") = words[0];
  register long b __asm__("x1") = words[1], c __asm__("x2") = words[2], d __asm__("x3") = words[3];
  register long e __asm__("x4") = words[4], f __asm__("x5") = words[5];
  __asm__ volatile("svc 0"
                   : "+r"(result)
                   : "r"(which), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f)
                   : "memory");
  return result;
#endif
}

static long word(napi_env env, napi_value value) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type == napi_null) return 0;
  int64_t integer;
  if (type == napi_number && napi_get_value_int64(env, value, &integer) == napi_ok) return integer;
  bool lossless;
  if (type == napi_bigint && napi_get_value_bigint_int64(env, value, &integer, &lossless) == napi_ok)
    return integer;
  void *bytes;
  napi_typedarray_type element;
  if (napi_get_typedarray_info(env, value, &element, NULL, &bytes, NULL, NULL) == napi_ok &&
      element == napi_uint8_array)
    return (long)bytes;
  napi_throw_type_error(env, NULL, "an argument is no number, bigint, null or Uint8Array");
  return 0;
}

// The first argument, and the words of those behind it; more of them than are passed on only keep buffers alive.
static bool arguments(napi_env env, napi_callback_info info, long *first, long *words) {
  size_t count = MOST_ARGUMENTS;
  napi_value values[MOST_ARGUMENTS];
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < NUMBER) return false;
  *first = word(env, values[0]);
  for (size_t i = 0; i < WORDS; i++) words[i] = i + NUMBER < count ? word(env, values[i + NUMBER]) : 0;
  bool thrown;
  return napi_is_exception_pending(env, &thrown) == napi_ok && !thrown;
}

static napi_value integer(napi_env env, long value) {
  napi_value result;
  return napi_create_int64(env, value, &result) == napi_ok ? result : NULL;
}

// syscall(number, ...words): what the kernel answers, an error as -errno.
static napi_value call_system(napi_env env, napi_callback_info info) {
  long number, words[WORDS];
  if (!arguments(env, info, &number, words)) return NULL;
  return integer(env, system_call(number, words));
}

static long call(long address, const long *words) {
  return ((function)address)(words[0], words[1], words[2], words[3], words[4], words[5]);
}

// callInt(address, ...words): of a function that returns an int.
static napi_value call_int(napi_env env, napi_callback_info info) {
  long address, words[WORDS];
  if (!arguments(env, info, &address, words)) return NULL;
  return integer(env, (int)call(address, words));
}

// callPointer(address, ...words): of a function that returns a pointer.
static napi_value call_pointer(napi_env env, napi_callback_info info) {
  long address, words[WORDS];
  if (!arguments(env, info, &address, words)) return NULL;
  return integer(env, call(address, words));
}

// address(buffer): where it stays from now on. Asking for its ArrayBuffer has an engine move it out of its own heap.
static napi_value address_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value buffer, array, result;
  void *bytes;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) != napi_ok ||
      napi_get_typedarray_info(env, buffer, NULL, NULL, NULL, &array, NULL) != napi_ok ||
      napi_get_typedarray_info(env, buffer, NULL, NULL, &bytes, NULL, NULL) != napi_ok) {
    napi_throw_type_error(env, NULL, "the argument is no Uint8Array");
    return NULL;
  }
  return napi_create_bigint_uint64(env, (uint64_t)bytes, &result) == napi_ok ? result : NULL;
}

// string(address): what stands there up to a NUL.
static napi_value string_at(napi_env env, napi_callback_info info) {
  long address, words[WORDS];
  napi_value result;
  if (!arguments(env, info, &address, words)) return NULL;
  if (napi_create_string_utf8(env, (const char *)address, NAPI_AUTO_LENGTH, &result) != napi_ok) return NULL;
  return result;
}

// bytes(address, length): a copy.
static napi_value bytes_at(napi_env env, napi_callback_info info) {
  long address, words[WORDS];
  napi_value result;
  if (!arguments(env, info, &address, words)) return NULL;
  if (napi_create_buffer_copy(env, (size_t)words[0], (const void *)address, NULL, &result) != napi_ok) return NULL;
  return result;
}

static void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}

static void export_address(napi_env env, napi_value exports, const char *name, void *address) {
  napi_set_named_property(env, exports, name, integer(env, (long)address));
}

NAPI_MODULE_INIT() {
  export_function(env, exports, "syscall", call_system);
  export_function(env, exports, "callInt", call_int);
  export_function(env, exports, "callPointer", call_pointer);
  export_function(env, exports, "address", address_of);
  export_function(env, exports, "string", string_at);
  export_function(env, exports, "bytes", bytes_at);
  export_address(env, exports, "dlopen", dlopen);
  export_address(env, exports, "dlsym", dlsym);
  export_address(env, exports, "dlerror", dlerror);
  return exports;
}

// By which scripts/generate-addon.ts knows whether this was made from the sources as they are.
__attribute__((used)) static const char made_from[] = MADE_FROM;
