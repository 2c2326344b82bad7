package helm

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestContainers_AreRestrictedAndAskForResources(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			for _, o := range all {
				pod := o.pod()
				if pod == nil {
					continue
				}
				s := pod.Spec.SecurityContext
				if !s.RunAsNonRoot || s.RunAsUser < 1 || s.SeccompProfile.Type != "RuntimeDefault" {
					t.Errorf("%s %s: the pod is not restricted", o.Kind, o.Metadata.Name)
				}
				if pod.Spec.AutomountServiceAccountToken == nil {
					t.Errorf("%s %s mounts a token by default", o.Kind, o.Metadata.Name)
				}
				for _, c := range pod.Spec.Containers {
					checkContainer(t, o.Metadata.Name+"/"+c.Name, c)
				}
			}
		})
	}
}

func checkContainer(t *testing.T, name string, c container) {
	t.Helper()
	s := c.SecurityContext
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !s.RunAsNonRoot ||
		!slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || s.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("%s is not restricted: %+v", name, s)
	}
	if c.Resources.Requests["cpu"] == "" || c.Resources.Requests["memory"] == "" || c.Resources.Limits["memory"] == "" {
		t.Errorf("%s does not ask for resources: %+v", name, c.Resources)
	}
	if c.Resources.Limits["cpu"] != "" {
		t.Errorf("%s has a limit on CPU, which throttles it", name)
	}
	if !strings.Contains(c.Image, ":") || strings.HasSuffix(c.Image, ":latest") {
		t.Errorf("%s runs %q, which is not pinned", name, c.Image)
	}
	for _, p := range c.Ports {
		if p.Name == "" {
			t.Errorf("%s: port %d has no name", name, p.ContainerPort)
		}
	}
}

func TestServices_LeadToContainers(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			for _, service := range ofKind(all, "Service") {
				selector, _ := service.Spec.Selector.(map[string]any)
				ports := map[string]bool{}
				for _, o := range all {
					if pod := o.pod(); pod != nil && matches(selector, pod.Metadata.Labels) {
						for _, c := range pod.Spec.Containers {
							for _, p := range c.Ports {
								ports[p.Name] = true
							}
						}
					}
				}
				for _, p := range service.Spec.Ports {
					if target, _ := p.TargetPort.(string); p.Name == "" || !ports[target] {
						t.Errorf("service %s: port %q leads to %v; pods offer %v", service.Metadata.Name, p.Name, p.TargetPort, slices.Sorted(maps.Keys(ports)))
					}
				}
			}
		})
	}
}

func TestWorkloads_SelectTheirOwnPods(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			budgets := 0
			for _, o := range all {
				selector := labelSelector(o)
				if o.Kind != "Deployment" && o.Kind != "StatefulSet" && o.Kind != "PodDisruptionBudget" {
					continue
				}
				if o.Kind == "PodDisruptionBudget" {
					budgets++
				}
				picked := []string{}
				for _, other := range all {
					if pod := other.pod(); pod != nil && matches(selector, pod.Metadata.Labels) {
						picked = append(picked, other.Metadata.Name)
					}
				}
				if !slices.Equal(picked, []string{o.Metadata.Name}) {
					t.Errorf("%s %s selects the pods of %v", o.Kind, o.Metadata.Name, picked)
				}
			}
			if want := len(ofKind(all, "Deployment")); budgets != want {
				t.Errorf("%d disruption budgets for %d Deployments", budgets, want)
			}
		})
	}
}

func TestDeployments_ThatSomethingScalesHaveNoReplicas(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			scaled := map[string]object{}
			for _, o := range append(ofKind(all, "HorizontalPodAutoscaler"), ofKind(all, "ScaledObject")...) {
				scaled[o.Spec.ScaleTargetRef.Name] = o
			}
			for _, d := range ofKind(all, "Deployment") {
				_, auto := scaled[d.Metadata.Name]
				if auto == (d.Spec.Replicas != nil) {
					t.Errorf("%s: scaled %v, replicas set %v", d.Metadata.Name, auto, d.Spec.Replicas != nil)
				}
				delete(scaled, d.Metadata.Name)
			}
			for name := range scaled {
				t.Errorf("%s is scaled and is not there", name)
			}
		})
	}
}

func TestRoles_AnswerProbesOnThePortOfOperators(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			for _, d := range ofKind(all, "Deployment") {
				for _, c := range d.pod().Spec.Containers {
					want := "ops"
					if c.Name == "sign-in" {
						want = "sign-in"
					}
					for path, probe := range map[string]*struct{ HTTPGet *struct{ Path, Port string } }{"/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
						if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port != want {
							t.Errorf("%s/%s: the probe of %s is %+v", d.Metadata.Name, c.Name, path, probe)
						}
					}
				}
			}
		})
	}
}

// known are variables that are settings of others: the Go runtime, and the images of Postgres, Redis and Kafka.
var known = []string{
	"GOMEMLIMIT", "PGDATA", "POSTGRES_PASSWORD", "REDISCLI_AUTH", "LOG_DIR", "KAFKA_HEAP_OPTS", "BROKERS", "USERNAME", "PASSWORD", "MECHANISM",
	"MIGRATOR_PASSWORD", "APP_PASSWORD", "WORKER_PASSWORD", "CACHE_PASSWORD", "SIGN_IN_ROLE_PASSWORD",
}

func TestEnvironment_HoldsSettingsThatExist(t *testing.T) {
	goSettings := found(t, "../../cmd/tandem/config.go", `\{"[a-z-]+", "([A-Z_]+)"`)
	signIn := found(t, "../../web/auth/src/config.ts", `"([A-Z_]{6,})"`)
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			for _, o := range all {
				pod := o.pod()
				if pod == nil {
					continue
				}
				for _, c := range pod.Spec.Containers {
					settings := goSettings
					if strings.Contains(c.Image, "tandem-auth") {
						settings = signIn
					}
					for _, e := range c.Env {
						if !slices.Contains(settings, e.Name) && !slices.Contains(known, e.Name) {
							t.Errorf("%s/%s sets %s, which is no setting", o.Metadata.Name, c.Name, e.Name)
						}
					}
				}
			}
		})
	}
}

// TestSecrets_AreThere holds every reference to a field of a Secret to what the chart makes, or says that an operator makes.
func TestSecrets_AreThere(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			made := map[string][]string{}
			for _, o := range ofKind(all, "Secret") {
				made[o.Metadata.Name] = slices.Collect(maps.Keys(o.StringData))
			}
			for _, o := range ofKind(all, "ExternalSecret") {
				made[o.Metadata.Name] = findAll(o.text, `secretKey: ([a-z_-]+)`)
			}
			for _, o := range all {
				pod := o.pod()
				if pod == nil {
					continue
				}
				for _, c := range pod.Spec.Containers {
					for _, e := range c.Env {
						ref := e.ValueFrom.SecretKeyRef
						if ref == nil && strings.Contains(strings.ToLower(e.Name), "password") {
							t.Errorf("%s/%s: %s does not come from a Secret", o.Metadata.Name, c.Name, e.Name)
						}
						if ref != nil && len(made) > 0 && !ref.Optional && !slices.Contains(made[ref.Name], ref.Key) {
							t.Errorf("%s/%s: %s is field %s of the Secret %s, which has %v", o.Metadata.Name, c.Name, e.Name, ref.Key, ref.Name, made[ref.Name])
						}
					}
				}
			}
		})
	}
}

func TestVolumes_AreThere(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			maps := names(ofKind(all, "ConfigMap"))
			for _, o := range all {
				if pod := o.pod(); pod != nil {
					for _, v := range pod.Spec.Volumes {
						if v.ConfigMap != nil && !slices.Contains(maps, v.ConfigMap.Name) {
							t.Errorf("%s mounts the ConfigMap %s, which is not there", o.Metadata.Name, v.ConfigMap.Name)
						}
					}
					if account := pod.Spec.ServiceAccountName; account != "" && !slices.Contains(names(ofKind(all, "ServiceAccount")), account) {
						t.Errorf("%s runs as %s, which is not there", o.Metadata.Name, account)
					}
				}
			}
		})
	}
}

// TestNetwork_EveryPodHasAPolicyOfItsOwn: besides the one that denies everything.
func TestNetwork_EveryPodHasAPolicyOfItsOwn(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			policies := ofKind(all, "NetworkPolicy")
			if len(policies) == 0 {
				return
			}
			open := map[string]bool{}
			for _, p := range policies {
				for _, list := range findAll(p.text, `values: \[([^\]]+)\]`) {
					for name := range strings.SplitSeq(strings.ReplaceAll(list, `"`, ""), ",") {
						open[name] = true
					}
				}
			}
			for _, o := range all {
				if pod := o.pod(); pod != nil && !open[pod.Metadata.Labels["app.kubernetes.io/component"]] {
					t.Errorf("%s %s: nothing is allowed to %s", o.Kind, o.Metadata.Name, pod.Metadata.Labels["app.kubernetes.io/component"])
				}
			}
		})
	}
}

func ofKind(all []object, kind string) []object {
	return slices.DeleteFunc(slices.Clone(all), func(o object) bool { return o.Kind != kind })
}

func names(all []object) []string {
	var out []string
	for _, o := range all {
		out = append(out, o.Metadata.Name)
	}
	return out
}

func labelSelector(o object) map[string]any {
	s, _ := o.Spec.Selector.(map[string]any)
	labels, _ := s["matchLabels"].(map[string]any)
	return labels
}

func matches(selector map[string]any, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

func findAll(text, pattern string) []string {
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func found(t *testing.T, file, pattern string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := findAll(string(data), pattern)
	if len(out) == 0 {
		t.Fatalf("%s: nothing matches %s", file, pattern)
	}
	return out
}
