package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/launch"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/suggest"
)

// jobFlags say how a data-parallel job is started and talks.
type jobFlags struct {
	processes int
	backend   string
	timeout   time.Duration
}

func (j *jobFlags) bind(f *pflag.FlagSet) {
	f.IntVar(&j.processes, "nproc-per-node", 0, "start this many processes on this machine and train on all (0: this process, or the job that torchrun's or Slurm's variables describe)")
	f.StringVar(&j.backend, "backend", "", "between processes: gloo or nccl (default: nccl on GPUs, else gloo)")
	f.DurationVar(&j.timeout, "dist-timeout", 10*time.Minute, "how long processes wait for each other before the job fails")
}

// place is where this process stands; spawned reports that it is to start the
// others and itself anew.
func (j *jobFlags) place(device string) (p launch.Place, spawn bool, err error) {
	if j.processes < 0 {
		return p, false, usagef("--nproc-per-node %d: want 1 or more, or 0", j.processes)
	}
	if j.timeout <= 0 {
		return p, false, usagef("--dist-timeout %s: want a time above 0, as 10m", j.timeout)
	}
	if j.backend != "" && j.backend != "gloo" && j.backend != "nccl" {
		return p, false, usage{suggest.Unknown("--backend", j.backend, []string{"gloo", "nccl"})}
	}
	if j.backend == "nccl" && !strings.HasPrefix(device, "cuda") {
		return p, false, usagef("--backend nccl with --device %s: NCCL is between GPUs; give --device cuda, or --backend gloo", device)
	}
	if p, err = launch.Find(os.Getenv); err != nil {
		return p, false, usage{err}
	}
	switch {
	case j.processes <= 1 && p.Size == 1, launch.Spawned():
		return p, false, nil
	case j.processes == 0:
		return p, false, nil
	case p.Size > 1:
		return p, false, usagef("--nproc-per-node %d in a job of %d processes that another program started (RANK or SLURM_PROCID is set): leave it out", j.processes, p.Size)
	}
	return p, true, nil
}

// join meets the other processes; nil where there are none. The configuration
// becomes that of this process: its device and its share of the machine's cores.
func (j *jobFlags) join(p launch.Place, c *config) (*launch.Job, error) {
	if p.Size == 1 {
		return nil, nil
	}
	c.Threads = or(c.Threads, max(1, runtime.NumCPU()/p.LocalSize))
	c.Workers = or(c.Workers, max(1, runtime.GOMAXPROCS(0)/p.LocalSize))
	kind := c.Device
	if c.Device == "cuda" {
		c.Device = "cuda:" + strconv.Itoa(p.LocalRank)
	}
	d, err := device(c.Device)
	if err != nil {
		return nil, err
	}
	if j.backend == "" {
		if j.backend = "gloo"; strings.HasPrefix(c.Device, "cuda") {
			j.backend = "nccl"
		}
	}
	fields, err := sameEverywhere(*c, kind)
	if err != nil {
		return nil, err
	}
	fields = append(fields, launch.Field{Name: "--backend", Value: j.backend}, launch.Field{Name: "--dist-timeout", Value: j.timeout.String()})
	return launch.Join(p, launch.Options{Backend: j.backend, Timeout: j.timeout, Device: d, Fields: fields})
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// sameEverywhere lists what must not differ between ranks: the program and all
// settings but those of the machine.
func sameEverywhere(c config, device string) ([]launch.Field, error) {
	build, err := fingerprint()
	if err != nil {
		return nil, err
	}
	out := []launch.Field{{Name: "the program's build", Value: build}, {Name: "LibTorch", Value: libtorch.Version()}}
	c.Device, _, _ = strings.Cut(device, ":")
	c.DataDir, c.Foreground, c.ValLabels, c.Workers = "", "", "", 0
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	var settings yaml.Node
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, err
	}
	pairs := settings.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		value, err := yaml.Marshal(pairs[i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, launch.Field{Name: "--" + pairs[i].Value, Value: strings.TrimSpace(string(value))})
	}
	return out, nil
}

// fingerprint is the start of this program's SHA-256.
func fingerprint() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// sameData lists what ranks must have alike of their data: how many pictures,
// their labels, and the pixels of three.
func sameData(ds datasets.Dataset) []launch.Field {
	h := fnv.New64a()
	for i := range ds.Len() {
		fmt.Fprintf(h, "%d ", ds.Label(i))
	}
	labels := h.Sum64()
	h.Reset()
	for _, i := range []int{0, ds.Len() / 2, ds.Len() - 1} {
		if m, err := ds.Image(i); err == nil { // one that cannot be read is dealt with later
			fmt.Fprint(h, m.Width, m.Height)
			_, _ = h.Write(m.Pix) // cannot fail
		}
	}
	return []launch.Field{{Name: "the data set", Value: ds.Name()}, {Name: "the number of pictures", Value: strconv.Itoa(ds.Len())},
		{Name: "the checksum of the data's labels", Value: fmt.Sprintf("%x", labels)}, {Name: "the checksum of the first, middle and last picture", Value: fmt.Sprintf("%x", h.Sum64())}}
}

// spawn runs the command line in several processes.
func (j *jobFlags) spawn(ctx context.Context, p program, args []string) error {
	return launch.Spawn(ctx, j.processes, append([]string{"pretrain"}, args...), p.stdout, p.stderr)
}

// norms says what batch norms of a job take.
func (c *config) norms() string {
	if c.SyncBatchNorm {
		return "batch norms over all"
	}
	return "batch norms of each by itself"
}
