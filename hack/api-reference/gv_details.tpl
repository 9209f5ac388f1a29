{{- define "gvDetails" -}}
## {{ .GroupVersionString }}

{{ trim .Doc }}

Kinds:{{ range .SortedKinds }} {{ markdownRenderTypeLink ($.TypeForKind .) }}{{ end }}
{{ range .SortedTypes }}
{{- template "type" . }}
{{- end }}
{{- end }}
