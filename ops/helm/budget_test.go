package helm

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// offer is what a cloud gives for nothing, or for the credit of a new account, and what of it is left for pods.
type offer struct {
	profile string
	node    string
	cpu     int // millicores that pods may ask for on the node
	memory  int // MiB
	// Of the pods that the cloud puts on the node itself. They differ by version: these are rounded up.
	ownCPU, ownMemory int
	source, date      string
}

var offers = []offer{
	{
		"aks", "one node of 2 vCPU and 4 GiB (the least of a system pool), paid from the credit of a free account; the Free tier's control plane costs nothing",
		1900, 2972, 800, 800,
		"learn.microsoft.com/azure/aks/free-standard-pricing-tiers, /azure/aks/use-system-pools, /azure/aks/node-resource-reservations", "2026-11-25",
	},
	{
		"gke", "one e2-standard-2 node in a zonal cluster, whose fee the free tier's credit covers; the node is paid from the credit of a new account",
		1930, 5916, 700, 900,
		"cloud.google.com/kubernetes-engine/pricing#cluster_management_fee_and_free_tier, /kubernetes-engine/docs/concepts/plan-node-sizes", "2026-11-25",
	},
	{
		"oke", "one A1.Flex node of 2 OCPU and 12 GB in a basic cluster, Always Free (the allowance since 2026-06-15)",
		1830, 9216, 500, 700,
		"docs.oracle.com/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm", "2026-11-25",
	},
	{
		"minikube", "minikube start --cpus 4 --memory 6g",
		4000, 6144, 850, 400,
		"ops/minikube.sh", "2026-11-25",
	},
}

// TestProfiles_FitTheirOffer adds up what all pods ask for: those of the chart with their sidecars, a second of each during a rollout of one,
// Jobs, and Dapr's control plane as its own chart renders it.
func TestProfiles_FitTheirOffer(t *testing.T) {
	controlCPU, controlMemory := controlPlane(t)
	for _, o := range offers {
		t.Run(o.profile, func(t *testing.T) {
			cpu, memory := controlCPU+o.ownCPU, controlMemory+o.ownMemory
			surgeCPU, surgeMemory := 0, 0
			for _, obj := range objects(t, cases[o.profile]...) {
				pod := obj.pod()
				if pod == nil || obj.Kind == "Job" && strings.Contains(obj.text, "helm.sh/hook") {
					continue
				}
				c, m := asks(t, pod)
				replicas := 1
				if obj.Spec.Replicas != nil {
					replicas = *obj.Spec.Replicas
				}
				cpu, memory = cpu+replicas*c, memory+replicas*m
				if obj.Kind == "Deployment" {
					surgeCPU, surgeMemory = surgeCPU+c, surgeMemory+m
				}
			}
			t.Logf("figure: %s asks for %dm CPU and %d MiB (%dm and %d MiB while all roll out at once) of %dm and %d MiB: %s. Source: %s (%s)",
				o.profile, cpu, memory, cpu+surgeCPU, memory+surgeMemory, o.cpu, o.memory, o.node, o.source, o.date)
			if cpu+surgeCPU > o.cpu || memory+surgeMemory > o.memory {
				t.Errorf("it does not fit")
			}
		})
	}
}

// controlPlane adds up Dapr's own pods, as its chart of the version in go.mod renders them with our small profile.
func controlPlane(t *testing.T) (cpu, memory int) {
	t.Helper()
	for _, o := range daprChart(t, "dapr-small.yaml") {
		pod := o.pod()
		if pod == nil {
			continue
		}
		c, m := asks(t, pod)
		if c == 0 || m == 0 {
			t.Errorf("%s asks for nothing", o.Metadata.Name)
		}
		replicas := 1
		if o.Spec.Replicas != nil {
			replicas = *o.Spec.Replicas
		}
		cpu, memory = cpu+replicas*c, memory+replicas*m
	}
	if cpu == 0 {
		t.Fatal("Dapr has no pods")
	}
	return cpu, memory
}

// daprChart renders Dapr's chart, which comes with the module.
func daprChart(t *testing.T, values string) []object {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/dapr/dapr").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), helmProgram(t), "template", "dapr", strings.TrimSpace(string(dir))+"/charts/dapr", "-n", "dapr-system", "-f", values).Output()
	if err != nil {
		t.Fatalf("%s: %v", values, err)
	}
	var all []object
	for doc := range strings.SplitSeq(string(out), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err == nil && o.Kind != "" {
			o.text = doc
			all = append(all, o)
		}
	}
	return all
}

// TestDapr_ValuesDoWhatTheySay: a value that Dapr's chart does not know would be dropped in silence.
func TestDapr_ValuesDoWhatTheySay(t *testing.T) {
	for values, want := range map[string][]string{
		"dapr.yaml":       {"failurePolicy: Fail", "SIDECAR_DROP_ALL_CAPABILITIES", "--etcd-compaction-mode=revision", "storage: 16Gi", "replicas: 3"},
		"dapr-small.yaml": {"failurePolicy: Fail", "SIDECAR_DROP_ALL_CAPABILITIES", "--etcd-compaction-mode=revision", "storage: 1Gi", "replicas: 1"},
	} {
		text := ""
		for _, o := range daprChart(t, values) {
			text += o.text + "\n"
		}
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: Dapr's chart renders no %q", values, line)
			}
		}
		if strings.Contains(text, "dapr-placement") && strings.Contains(text, "kind: StatefulSet\nmetadata:\n  name: dapr-placement-server") {
			t.Errorf("%s: placement runs, which only actors need", values)
		}
	}
}

// asks adds up the requests of a pod and of the sidecar that the injector adds.
func asks(t *testing.T, pod *podTemplate) (cpu, memory int) {
	t.Helper()
	for _, c := range pod.Spec.Containers {
		cpu, memory = cpu+milli(t, c.Resources.Requests["cpu"]), memory+mebi(t, c.Resources.Requests["memory"])
	}
	if a := pod.Metadata.Annotations; a["dapr.io/enabled"] == "true" {
		cpu, memory = cpu+milli(t, a["dapr.io/sidecar-cpu-request"]), memory+mebi(t, a["dapr.io/sidecar-memory-request"])
	}
	return cpu, memory
}

func milli(t *testing.T, q string) int {
	t.Helper()
	return quantity(t, q, map[string]int{"m": 1, "": 1000})
}

func mebi(t *testing.T, q string) int {
	t.Helper()
	return quantity(t, q, map[string]int{"Mi": 1, "Gi": 1024})
}

func quantity(t *testing.T, q string, units map[string]int) int {
	t.Helper()
	if q == "" {
		return 0
	}
	number := strings.TrimRight(q, "mMGi")
	n, err := strconv.Atoi(number)
	unit, ok := units[strings.TrimPrefix(q, number)]
	if err != nil || !ok {
		t.Fatal(fmt.Errorf("%q is no quantity", q))
	}
	return n * unit
}
