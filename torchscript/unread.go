package torchscript

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// asFloat is the Python that makes a state dict readable here.
const asFloat = "in Python write {k: v.float() if v.is_floating_point() else v for k, v in state_dict.items()} " +
	"with torch.save, and give that file"

// unreadBits are the types of safetensors that are not read, with their bits.
func unreadBits() map[string]int64 {
	return map[string]int64{
		"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
		"U16": 16, "U32": 32, "U64": 64, "C64": 64,
	}
}

// unreadDType is the error of a type of numbers that is not read. It names a remedy.
func unreadDType(dtype string) error {
	lower := strings.ToLower(dtype)
	switch {
	case strings.HasPrefix(lower, "f8"), strings.HasPrefix(lower, "float8"):
		return fmt.Errorf("8-bit floating-point numbers (%s, fp8) are not read here: %s", dtype, asFloat)
	case strings.HasPrefix(lower, "f4"), strings.HasPrefix(lower, "f6"), strings.HasPrefix(lower, "float4"):
		return fmt.Errorf("numbers of type %s are not read here: take the checkpoint that they were made from", dtype)
	case unreadBits()[dtype] != 0:
		return fmt.Errorf("numbers of type %s are not read here: "+
			"in Python write them as float32 or int64 with torch.save", dtype)
	}
	return nil
}

// unreadTensor is the error of a tensor that is not made from a storage. It names a remedy.
func unreadTensor(o *pickle.Object) error {
	what, remedy := "", "want plain ones"
	switch name := o.Callable.Name; {
	case strings.Contains(name, "qtensor"):
		what, remedy = "quantised", "take the checkpoint from before quantisation"
	case strings.Contains(name, "sparse"):
		what, remedy = "sparse", "in Python write v.to_dense() of each with torch.save"
	case strings.Contains(name, "nested"):
		what = "nested"
	case strings.Contains(name, "meta_tensor"):
		what, remedy = "on PyTorch's meta device: it has no numbers", "save the network after its weights were loaded"
	case isDTensor(o):
		what = "a DTensor, of which each rank has a part"
		remedy = "in Python write v.full_tensor() of each, called on all ranks, with torch.save"
	}
	if what == "" {
		return fmt.Errorf("a tensor made by %s is not known here; %s", o.Callable, remedy)
	}
	return fmt.Errorf("the tensor is %s (%s), which is not read here; %s", what, o.Callable, remedy)
}

func isDTensor(o *pickle.Object) bool {
	if len(o.Args) == 0 {
		return false
	}
	class, ok := o.Args[0].(pickle.Global)
	return ok && class.Name == "DTensor"
}

// foreignNetwork says which network of another kind the tensors belong to; "" if their names do not tell.
func foreignNetwork(groups []Group) string {
	for _, k := range telling() {
		like := regexp.MustCompile(k.names)
		for _, g := range groups {
			for _, t := range g.Tensors {
				if like.MatchString(t.Name) {
					return k.what
				}
			}
		}
	}
	return ""
}

// telling lists patterns of names that tell which network tensors belong to.
func telling() []struct{ names, what string } {
	return []struct{ names, what string }{
		{`(^|\.)_?flat_param(_\d+)?$`, "these are FSDP's flat parameters of one rank; in Python save the full state dict " +
			"(torch.distributed.checkpoint.state_dict.get_model_state_dict with StateDictOptions(full_state_dict=True))"},
		{`(^|\.)(cls_token|patch_embed\..*|.*patch_embeddings\..*|conv_proj\.weight|class_embedding)$`,
			"it is a vision transformer; " + asScript},
		{`(^|\.)(downsample_layers\.\d|stages\.\d+\.blocks\.\d+\.conv_dw|features\.\d+\.\d+\.layer_scale)`,
			"it is a ConvNeXt; " + asScript},
		{`(^|\.)res2\.0\.conv1\.weight$`,
			"the names are Detectron2's; its tools/convert-torchvision-to-d2.py tells how they go to torchvision's"},
		{`(^|\.)features\.\d+\.(weight|conv|block)`,
			"it is a network of a chain of features (VGG, MobileNet, EfficientNet or DenseNet); " + asScript},
	}
}

// asScript is the remedy for networks of any kind.
const asScript = "{nets.Arch} torchscript:FILE takes it from pictures to features, " +
	"written in Python by torch.jit.script(model).save(FILE)"

// notWeights is the error of a file without tensors. It says what the file is if its beginning tells.
func notWeights(head []byte) error {
	text := strings.TrimLeft(string(head), " \t\r\n\ufeff")
	switch {
	case strings.HasPrefix(text, "version https://git-lfs"):
		return errors.New("a pointer of Git LFS in place of the file: fetch the file by git lfs pull")
	case strings.HasPrefix(strings.ToLower(text), "<!doctype"), strings.HasPrefix(strings.ToLower(text), "<html"):
		return errors.New("a web page in place of the file: take the link that downloads the file itself")
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"weight_map"`),
		strings.HasPrefix(text, "{") && strings.Contains(text, `"total_size"`):
		return errors.New("the index of weights in several files: " + joinShards("*.safetensors"))
	case strings.HasPrefix(text, "{"):
		return errors.New("a JSON text: the weights are in another file, as model.safetensors beside it")
	case strings.HasPrefix(text, "\x1f\x8b"):
		return errors.New("a file packed by gzip: unpack it by gunzip or tar xzf")
	case strings.HasPrefix(text, "GGUF"):
		return errors.New("a GGUF file: want a file of PyTorch or safetensors")
	}
	return errors.New("neither a file of torch.save nor safetensors")
}

// joinShards is the Python that joins several safetensors files.
func joinShards(pattern string) string {
	return fmt.Sprintf("join them in Python, import glob, safetensors.torch as s; "+
		"s.save_file({k: v for f in glob.glob(%q) "+
		`for k, v in s.load_file(f).items()}, "one.safetensors"), and give one.safetensors`, pattern)
}
