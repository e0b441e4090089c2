package nets

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	resNetTop        = regexp.MustCompile(`^(conv1|bn1|layer\d+)$`)
	transformersMark = regexp.MustCompile(`^(|.*\.)encoder\.stages\.0\.layers\.0\.layer\.0\.convolution\.weight$`)
	transformersStem = regexp.MustCompile(`^embedder\.embedder\.(convolution|normalization)\.`)
	transformersUnit = regexp.MustCompile(`^encoder\.stages\.(\d+)\.layers\.(\d+)\.(layer\.(\d+)|shortcut)` +
		`\.(convolution|normalization)\.`)
	numberedMark = regexp.MustCompile(`^(|.*\.)\d+\.0\.conv1\.weight$`)
)

// resNetName is torchvision's name. The ResNets of lightly and pytorch-cifar say shortcut.
func resNetName(name string) string { return strings.Replace(name, ".shortcut.", ".downsample.", 1) }

// resNetNamings lists the ResNets under Hugging Face's names and those that are an nn.Sequential of torchvision's
// children.
func resNetNamings(tensors []Entry) (out []Naming) {
	shapes, seen := map[string][]int64{}, map[string]bool{}
	for _, t := range tensors {
		shapes[t.Name] = t.Shape
	}
	for _, t := range tensors {
		if m := transformersMark.FindStringSubmatch(t.Name); m != nil {
			out = append(out, Naming{By: "Hugging Face transformers", Prefix: m[1], Rename: fromTransformers})
		} else if m := numberedMark.FindStringSubmatch(t.Name); m != nil && !seen[m[1]] {
			seen[m[1]] = true
			if numbers := childNumbers(m[1], shapes); numbers != nil {
				out = append(out, Naming{Prefix: m[1], Numbered: true, Rename: fromNumbers(numbers)})
			}
		}
	}
	return out
}

// childNumbers finds what the numbers of an nn.Sequential stand for: "4" is "layer1". Programs differ in the children
// that they keep (some have no max-pool), so the stages are counted. They follow a convolution and a norm.
func childNumbers(prefix string, has map[string][]int64) map[string]string {
	out, conv, stage := map[string]string{}, false, 1
	const children = 16
	for n := range children {
		number := fmt.Sprint(n)
		if shape, ok := has[prefix+number+".weight"]; ok && len(shape) == 4 && stage == 1 && !conv {
			out[number], conv = "conv1", true
		} else if _, ok := has[prefix+number+".running_mean"]; ok && stage == 1 {
			out[number] = "bn1"
		} else if _, ok := has[prefix+number+".0.conv1.weight"]; ok {
			out[number] = fmt.Sprintf("layer%d", stage)
			stage++
		}
	}
	if !conv {
		return nil
	}
	return out
}

func fromNumbers(numbers map[string]string) func(string) string {
	return func(name string) string {
		number, tail, _ := strings.Cut(name, ".")
		part, known := numbers[number]
		if !known {
			return name
		}
		return resNetName(part + "." + tail)
	}
}

// fromTransformers is torchvision's name for a name of Hugging Face's.
func fromTransformers(name string) string {
	if m := transformersStem.FindStringSubmatch(name); m != nil {
		return kindOfUnit(m[1]) + "1." + name[len(m[0]):]
	}
	m := transformersUnit.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	block := fmt.Sprintf("layer%d.%s.", plusOne(m[1]), m[2])
	switch {
	case m[3] != "shortcut":
		block += fmt.Sprintf("%s%d.", kindOfUnit(m[5]), plusOne(m[4]))
	case m[5] == "convolution":
		block += "downsample.0."
	default:
		block += "downsample.1."
	}
	return block + name[len(m[0]):]
}

func kindOfUnit(word string) string {
	if word == "convolution" {
		return "conv"
	}
	return "bn"
}

func plusOne(digits string) int {
	n, _ := strconv.Atoi(digits) // more digits than fit are the name of no layer
	return n + 1
}
