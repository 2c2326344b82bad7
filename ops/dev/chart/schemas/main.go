// Command schemas turns the OpenAPI document of Kubernetes and the definitions of custom resources into JSON schemas, one file for each kind and
// version, as kubeconform reads them: KIND[-GROUP]-VERSION.json, where GROUP is the first label of the API group. Unknown fields are refused.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]any

func main() {
	out := flag.String("out", "", "folder of the schemas")
	openAPI := flag.String("openapi", "", "the OpenAPI document of Kubernetes")
	flag.Parse()
	if err := run(*out, *openAPI, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(out, openAPI string, folders []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	kinds, err := fromOpenAPI(openAPI)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("%s holds no definitions", folder)
		}
		for _, file := range files {
			if err := fromDefinitions(file, kinds); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	for name, schema := range kinds {
		data, err := json.Marshal(schema)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fileName is where kubeconform looks for a kind.
func fileName(kind, group, version string) string {
	name := strings.ToLower(kind)
	if first, _, _ := strings.Cut(group, "."); first != "" {
		name += "-" + first
	}
	return name + "-" + strings.ToLower(version)
}

// fromOpenAPI gives a schema for each kind, with the definitions that it refers to.
func fromOpenAPI(file string) (map[string]object, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Definitions map[string]object `json:"definitions"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for name, d := range doc.Definitions {
		switch {
		case strings.HasSuffix(name, ".api.resource.Quantity"):
			d["type"] = []string{"string", "number"}
		case strings.HasSuffix(name, ".util.intstr.IntOrString"):
			d["type"] = []string{"string", "integer"}
			delete(d, "format")
		}
		tighten(d)
	}
	kinds := map[string]object{}
	for name, d := range doc.Definitions {
		rows, _ := d["x-kubernetes-group-version-kind"].([]any)
		for _, r := range rows {
			row := r.(object)
			used := object{}
			collect(name, doc.Definitions, used)
			kinds[fileName(row["kind"].(string), row["group"].(string), row["version"].(string))] = object{
				"$ref": "#/definitions/" + name, "definitions": used,
			}
		}
	}
	return kinds, nil
}

// collect adds a definition and all that it refers to.
func collect(name string, all map[string]object, used object) {
	if _, ok := used[name]; ok {
		return
	}
	used[name] = all[name]
	references(all[name], func(other string) { collect(other, all, used) })
}

func references(node any, found func(string)) {
	switch n := node.(type) {
	case object:
		for key, child := range n {
			if ref, ok := child.(string); ok && key == "$ref" {
				found(strings.TrimPrefix(ref, "#/definitions/"))
				continue
			}
			references(child, found)
		}
	case []any:
		for _, child := range n {
			references(child, found)
		}
	}
}

// fromDefinitions adds the kinds that a file of CustomResourceDefinitions defines.
func fromDefinitions(file string, kinds map[string]object) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, doc := range bytes.Split(data, []byte("\n---")) {
		var crd struct {
			Kind string `json:"kind"`
			Spec struct {
				Group string `json:"group"`
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
				Versions []struct {
					Name   string `json:"name"`
					Schema struct {
						OpenAPI object `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(doc, &crd); err != nil {
			return err
		}
		if crd.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, v := range crd.Spec.Versions {
			tighten(v.Schema.OpenAPI)
			kinds[fileName(crd.Spec.Names.Kind, crd.Spec.Group, v.Name)] = v.Schema.OpenAPI
		}
	}
	return nil
}

// tighten rewrites a schema of OpenAPI into one of JSON Schema that refuses unknown fields.
func tighten(s object) {
	if s["x-kubernetes-int-or-string"] == true {
		s["type"] = []string{"string", "integer"}
		delete(s, "format")
	}
	if kind, ok := s["type"].(string); ok && s["nullable"] == true {
		s["type"] = []string{kind, "null"}
	}
	props, _ := s["properties"].(object)
	for _, p := range props {
		if child, ok := p.(object); ok {
			tighten(child)
		}
	}
	if props != nil && s["additionalProperties"] == nil && s["x-kubernetes-preserve-unknown-fields"] != true {
		s["additionalProperties"] = false
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if child, ok := s[key].(object); ok {
			tighten(child)
		}
	}
	// allOf, anyOf and not narrow what stands beside them; they name no fields of their own.
}
