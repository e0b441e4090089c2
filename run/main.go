// Command run trains, evaluates and compares interventional contrastive learning with a meta semantic regularizer
// (ICL-MSR).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/pflag"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/torch"
)

// Exit statuses.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// program holds what subcommands write to: text for people (package printable), and data by printable.Data.
type program struct{ stdout, stderr io.Writer }

type command struct {
	name, about string
	run         func(ctx context.Context, p program, args []string) error
}

func commands() []command {
	return []command{
		{"pretrain", "train a backbone without labels, with or without MSR", pretrain},
		{"eval", "linear probe and nearest neighbours on a trained backbone", evaluate},
		{"finetune", "fine-tune a backbone with a share of the labels (semi-supervised), or from scratch", finetune},
		{"embed", "features of pictures into a file: npy, safetensors, csv or jsonl", embed},
		{"export", "write a trained network for PyTorch (state dict, TorchScript), safetensors or ONNX", exportNetwork},
		{"demo", "SimCLR against SimCLR+MSR on embedded pictures, compared on a page", demo},
		{"compare", "a grid of methods, with and without MSR, compared in tables and on a page", compare},
		{"table1", "the paper's Table 1: ResNet-18 on CIFAR-10 (or --preset cifar100, stl10, tiny-imagenet)",
			paperCompare(1, "cifar10", "simclr", "byol", "w_mse", methods.WMSE2, "ressl", "lmcl", "ssl_hsic", "relic")},
		{"table2", "the paper's Table 2: ResNet-50 on ImageNet-100",
			paperCompare(2, "imagenet-100", "simclr", "moco", "cmc", "swav", "dcl", "lmcl")},
		{"table3", "the paper's Table 3: ResNet-50 on ImageNet",
			paperCompare(3, "imagenet", "simclr", "moco", "cmc", "cpc", "infomin", "swav", "byol", "relic", "ssl_hsic")},
		{"semi", "the paper's Table 4: fine-tuning with 1% and 10% of ImageNet's labels, n = 14", semi},
		{"toy", "the paper's Figures 1 and 4: training and testing on full pictures and on foregrounds, in all combinations",
			toy},
		{"background", "how much a method relies on backgrounds, without MSR, with it, and with interventions", background},
		{"sweep", "a method with MSR, over values of any flags", sweep},
		{"figure5", "the paper's Figure 5: MSR over lambda, gamma and n, one at a time, as curves", figure5},
		{"datasets", "the data sets and the files they need, or what a folder holds", listDatasets},
		{"methods", "the methods, their papers, views, networks and constants", listMethods},
		{"version", "versions of this program, of LibTorch, CUDA and NCCL, and the GPUs", version},
		{"doctor", "try each device with a network's step, and compare GPUs with the CPU", doctor},
	}
}

func main() {
	// All runs of a grid use one thread, since glibc keeps memory for each thread.
	runtime.LockOSThread()
	torch.KeepMemory()
	ctx := withSignals(context.Background())
	os.Exit(execute(ctx, program{os.Stdout, os.Stderr}, os.Args[1:]))
}

// execute runs a command line and returns the exit status.
func execute(ctx context.Context, p program, args []string) int {
	p = program{newSpeaker(p.stdout), newSpeaker(p.stderr)}
	err := flagged(torch.Explain(dispatch(ctx, p, args), gotch.CPU, ""))
	var u usage.Error
	var ended *dist.Exit
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return 0
	case errors.As(err, &ended):
		for _, text := range ended.Messages {
			p.fail(text)
		}
		return ended.Status
	case errors.Is(err, context.Canceled):
		p.fail("interrupted")
		return exitInterrupted
	case errors.As(err, &u):
		p.fail(err.Error())
		return exitUsage
	}
	p.fail(err.Error())
	return exitFailure
}

// fail prints the error that the program ends with, in one line. If this process is a rank, the program that started
// the ranks prints it once.
func (p program) fail(text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`) // names may contain line breaks
	if !dist.Tell(text) {
		fmt.Fprintln(p.stderr, "run:", text)
	}
}

func dispatch(ctx context.Context, p program, args []string) error {
	if len(args) == 0 {
		help(p.stderr)
		return usage.Errorf("no command; see --help")
	}
	switch args[0] {
	case "-h", "--help", "help":
		help(p.stdout)
		return nil
	case "--version":
		args[0] = "version"
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, p, args[1:])
		}
		names = append(names, c.name)
	}
	return usage.Wrap(suggest.Unknown("command", args[0], names))
}

func help(w io.Writer) {
	fmt.Fprintln(w, "ICL-MSR: contrastive learning with a meta semantic regularizer.\n\nusage: run COMMAND [flags]")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.about)
	}
	fmt.Fprintln(w, "\nrun COMMAND --help lists a command's flags.")
}

// flags returns a flag set whose errors are usage errors that name the nearest flag.
func flags(p program, name, synopsis string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(p.stdout)
	f.Usage = func() {
		fmt.Fprintf(p.stdout, "usage: run %s %s\n\n%s%s", name, synopsis, aboutCommand(name), f.FlagUsagesWrapped(110))
	}
	return f
}

// aboutCommand returns what a command does, for the top of its help.
func aboutCommand(name string) string {
	for _, c := range commands() {
		if c.name == name {
			return strings.ToUpper(c.about[:1]) + c.about[1:] + ".\n\n"
		}
	}
	return ""
}

// parse parses args. It returns an error if an argument is not a flag.
func parse(f *pflag.FlagSet, args []string) error {
	if err := parseFlags(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return usage.Errorf("%q is no flag; see run %s --help", f.Arg(0), f.Name())
	}
	return nil
}

// parseFlags parses args and leaves arguments that are not flags to the caller.
func parseFlags(f *pflag.FlagSet, args []string) error {
	err := f.ParseAll(args, func(g *pflag.Flag, value string) error { return settings.SetValue(f, g, value) })
	var wrong *settings.WrongValue
	var unknown *pflag.NotExistError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &wrong):
		return usage.Errorf("--%w", wrong)
	case errors.As(err, &unknown):
		var names []string
		f.VisitAll(func(g *pflag.Flag) { names = append(names, g.Name) })
		if near := suggest.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return usage.Errorf("unknown flag --%s; did you mean --%s? see run %s --help", unknown.GetSpecifiedName(), near,
				f.Name())
		}
		return usage.Errorf("unknown flag --%s; see run %s --help", unknown.GetSpecifiedName(), f.Name())
	default:
		return usage.Wrap(err)
	}
}
