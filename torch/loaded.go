package torch

// #include "internal/shim/shim.h"
import "C"

// LoadedVersion returns the version of the LibTorch that was loaded, as "2.11.0"; empty if it is unknown. If it is not
// the version that the program was compiled with ([Version]), the program ends with a message before main.
func LoadedVersion() string { return C.GoString(C.icl_loaded_version()) }
