package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

func printHostPeak() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, l := range strings.Split(string(status), "\n") {
		if kb, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(kb)[0])
			fmt.Println(n * 1024)
			return err
		}
	}
	return errors.New("no peak memory in /proc/self/status")
}

// printPeak prints the peak memory in bytes. On the CPU it is that of the process. On a GPU it is that of tensors and
// that which LibTorch held, or 0 if unknown.
func (t task) printPeak() error {
	if t.device == gotch.CPU {
		return printHostPeak()
	}
	allocated, reserved, _ := torch.CUDAPeak(t.device)
	_, err := fmt.Println(allocated, reserved)
	return err
}
