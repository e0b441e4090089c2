package torch

// #include "internal/shim/shim.h"
import "C"

// LoadedVersion returns the version of the LibTorch that was loaded, as "2.11.0";
// empty where it cannot be told. A program whose LibTorch is not of the version
// that it was compiled with (Version) ends with a message before main.
func LoadedVersion() string { return C.GoString(C.icl_loaded_version()) }
