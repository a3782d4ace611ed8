// Command monitoring reads what `unpanic scaffold monitoring` wrote into a folder with the types of
// those who will read it: Kubernetes, the Prometheus operator, Grafana. Unknown fields and
// wrong types are errors, and so are names that lead nowhere.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	operator "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// kustomization is what `kubectl apply -k` needs of the file.
type kustomization struct {
	meta.TypeMeta `json:",inline"`
	Resources     []string `json:"resources"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: monitoring DIR")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(dir string) error {
	var (
		deployment apps.Deployment
		service    core.Service
		budget     policy.PodDisruptionBudget
		monitor    operator.PodMonitor
		list       kustomization
	)
	err := errors.Join(
		read(dir, "kubernetes/deployment.yaml", "Deployment", &deployment, &deployment.TypeMeta),
		read(dir, "kubernetes/service.yaml", "Service", &service, &service.TypeMeta),
		read(dir, "kubernetes/pdb.yaml", "PodDisruptionBudget", &budget, &budget.TypeMeta),
		read(dir, "kubernetes/podmonitor.yaml", "PodMonitor", &monitor, &monitor.TypeMeta),
		read(dir, "kubernetes/kustomization.yaml", "Kustomization", &list, &list.TypeMeta),
		readDashboard(filepath.Join(dir, "grafana/dashboard.json")),
	)
	if err != nil {
		return err
	}
	pod := deployment.Spec.Template
	return errors.Join(
		named(deployment.ObjectMeta), named(service.ObjectMeta), named(budget.ObjectMeta), named(monitor.ObjectMeta),
		selects("the deployment", deployment.Spec.Selector, pod.Labels),
		selects("the service", &meta.LabelSelector{MatchLabels: service.Spec.Selector}, pod.Labels),
		selects("the disruption budget", budget.Spec.Selector, pod.Labels),
		selects("the pod monitor", &monitor.Spec.Selector, pod.Labels),
		ports(pod.Spec.Containers, service, monitor),
		mounts(pod.Spec),
		files(dir, list.Resources),
		jobLabel(monitor, pod.Labels),
	)
}

// read decodes a manifest; fields that its type does not have are errors.
func read(dir, name, kind string, into any, head *meta.TypeMeta) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if head.Kind != kind {
		return fmt.Errorf("%s: kind %q, want %q", name, head.Kind, kind)
	}
	return nil
}

func readDashboard(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	plugins.RegisterDefaultPlugins()
	var board dashboard.Dashboard
	// The SDK gives an empty list of errors as an error that is not nil.
	if err := board.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func named(object meta.ObjectMeta) error {
	if wrong := validation.IsDNS1123Label(object.Name); len(wrong) > 0 {
		return fmt.Errorf("name %q: %v", object.Name, wrong)
	}
	return nil
}

func selects(who string, selector *meta.LabelSelector, pod map[string]string) error {
	s, err := meta.LabelSelectorAsSelector(selector)
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	if s.Empty() || !s.Matches(labels.Set(pod)) {
		return fmt.Errorf("%s does not select the pods", who)
	}
	return nil
}

// ports checks that probes, service and monitor use ports that the container has.
func ports(containers []core.Container, service core.Service, monitor operator.PodMonitor) error {
	var names []string
	for _, container := range containers {
		for _, port := range container.Ports {
			names = append(names, port.Name)
		}
	}
	var used []string
	for _, container := range containers {
		used = append(used, container.ReadinessProbe.HTTPGet.Port.String(),
			container.LivenessProbe.TCPSocket.Port.String(), container.StartupProbe.TCPSocket.Port.String())
	}
	for _, port := range service.Spec.Ports {
		used = append(used, port.TargetPort.String())
	}
	for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
		used = append(used, *endpoint.Port)
	}
	for _, name := range used {
		if !slices.Contains(names, name) {
			return fmt.Errorf("port %q is used and not there; there are %q", name, names)
		}
	}
	return nil
}

func mounts(pod core.PodSpec) error {
	var volumes []string
	for _, volume := range pod.Volumes {
		volumes = append(volumes, volume.Name)
	}
	for _, container := range pod.Containers {
		if container.SecurityContext == nil || !*container.SecurityContext.ReadOnlyRootFilesystem {
			return fmt.Errorf("container %q may write its image", container.Name)
		}
		for _, mount := range container.VolumeMounts {
			if !slices.Contains(volumes, mount.Name) {
				return fmt.Errorf("volume %q is mounted and not there", mount.Name)
			}
		}
	}
	return nil
}

func files(dir string, names []string) error {
	found, err := filepath.Glob(filepath.Join(dir, "kubernetes", "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range found {
		if name := filepath.Base(path); name != "kustomization.yaml" && !slices.Contains(names, name) {
			return fmt.Errorf("kustomization.yaml does not list %s", name)
		}
	}
	return nil
}

func jobLabel(monitor operator.PodMonitor, pod map[string]string) error {
	if pod[monitor.Spec.JobLabel] == "" {
		return fmt.Errorf("the pods have no label %q for the job", monitor.Spec.JobLabel)
	}
	return nil
}
