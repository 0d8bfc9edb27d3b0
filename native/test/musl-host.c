/*
 * Stands in for Node on musl: it is linked with musl and loads binaries that were compiled and linked with
 * glibc, as a Node on Alpine loads the addon of a release.
 *
 *   musl-host addon FILE FUNCTION…   loads the addon, with all symbols bound at once, lets it register
 *                                    itself, and checks that it offers the functions
 *   musl-host run FILE               loads a test program that was linked as a library, and runs its main
 *   musl-host load FILE              only loads the file
 *
 * The host defines napi_define_properties itself. scripts/test-musl.mjs writes a file with all other
 * functions of Node that the addon needs; they return napi_ok and do nothing.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <node_api.h>

#ifdef __GLIBC__
#error "compile it with musl-gcc"
#endif

#define MAX_OFFERED 64

static const char *offered[MAX_OFFERED];
static size_t offered_count;

napi_status napi_define_properties(napi_env env, napi_value object, size_t count,
                                   const napi_property_descriptor *properties) {
  (void)env;
  (void)object;
  for (size_t i = 0; i < count && offered_count < MAX_OFFERED; i++) {
    if (properties[i].method != NULL) offered[offered_count++] = properties[i].utf8name;
  }
  return napi_ok;
}

static void *load(const char *file) {
  void *library = dlopen(file, RTLD_NOW);
  if (library != NULL) return library;
  fprintf(stderr, "%s\n", dlerror());
  exit(1);
}

static void *find(void *library, const char *name) {
  void *symbol = dlsym(library, name);
  if (symbol != NULL) return symbol;
  fprintf(stderr, "%s\n", dlerror());
  exit(1);
}

static int is_offered(const char *name) {
  for (size_t i = 0; i < offered_count; i++) {
    if (strcmp(offered[i], name) == 0) return 1;
  }
  return 0;
}

static int register_addon(const char *file, char **functions, int count) {
  napi_value (*begin)(napi_env, napi_value) = NULL;
  /* The conversion of an object pointer to a function pointer that POSIX gives for dlsym. */
  *(void **)&begin = find(load(file), "napi_register_module_v1");
  (void)begin(NULL, NULL);
  for (int i = 0; i < count; i++) {
    if (is_offered(functions[i])) continue;
    fprintf(stderr, "the addon does not offer %s\n", functions[i]);
    return 1;
  }
  printf("ok: the addon registers %zu functions\n", offered_count);
  return 0;
}

static int run(const char *file) {
  int (*program)(void) = NULL;
  *(void **)&program = find(load(file), "main");
  return program();
}

int main(int count, char **words) {
  if (count >= 3 && strcmp(words[1], "addon") == 0) return register_addon(words[2], words + 3, count - 3);
  if (count == 3 && strcmp(words[1], "run") == 0) return run(words[2]);
  if (count == 3 && strcmp(words[1], "load") == 0) return load(words[2]) == NULL;
  fprintf(stderr, "usage: musl-host addon FILE FUNCTION... | run FILE | load FILE\n");
  return 2;
}
