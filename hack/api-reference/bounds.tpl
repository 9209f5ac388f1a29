{{- /* The rules of a field. Those in CEL are in the CRD, with the message that a user reads. */ -}}
{{- define "bounds" -}}
{{- $rules := list -}}
{{- if .Default }}{{ $rules = append $rules (printf "default %s" (markdownRenderDefault .Default)) }}{{ end -}}
{{- range .Validation -}}
{{- if hasPrefix "Required" . }}{{ $rules = append $rules "required" -}}
{{- else if not (or (hasPrefix "Optional" .) (hasPrefix "Type" .) (contains "rule:" .)) }}{{ $rules = append $rules (markdownRenderFieldDoc .) }}{{ end -}}
{{- end -}}
{{ $rules | uniq | join ", " }}
{{- end }}
