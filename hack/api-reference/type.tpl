{{- define "type" }}
{{- if markdownShouldRenderType . }}

### {{ .Name }}

{{ trim .Doc }}
{{- if .SortedReferences }}

Used by:{{ range $i, $reference := .SortedReferences }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $reference }}{{ end }}.
{{- end }}
{{- if .EnumValues }}

| value | meaning |
|---|---|
{{- range .EnumValues }}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc | replace "<br />" " " | trim }} |
{{- end }}
{{- else if .IsAlias }}

A {{ markdownRenderType .UnderlyingType }}{{ range .Validation }}; {{ markdownRenderFieldDoc . }}{{ end }}.
{{- end }}
{{- if .Members }}

| field | type | meaning | bounds |
|---|---|---|---|
{{- if .GVK }}
| `apiVersion` | string | `{{ .GVK.Group }}/{{ .GVK.Version }}` | |
| `kind` | string | `{{ .GVK.Kind }}` | |
{{- end }}
{{- range .Members }}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ template "type_members" . }} | {{ template "bounds" . }} |
{{- end }}
{{- end }}
{{- end }}
{{- end }}
