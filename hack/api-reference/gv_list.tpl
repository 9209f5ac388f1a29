{{- define "gvList" -}}
# API reference

Generated from `api/` by `make generate`: change the comments there.
{{ range . }}
{{ template "gvDetails" . }}
{{- end }}
{{- end }}
