"""Files with credentials of clouds, clusters and registries.

Sources: the documentation of AWS CLI, gcloud and boto, az, aliyun and ossutil, s3cmd, rclone, doctl, Databricks CLI,
Terraform (CLI configuration, state), kubectl and K3s, docker, and podman (containers-auth.json(5)).
"""

from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.credential_contents import (
    CredentialFile,
    anything,
    json_secret,
    json_text,
    setting,
    settings,
    value,
)

_AUTHS: Final = json_text(b"auth", b"identitytoken", b"registrytoken", b"password")
_KUBECONFIG: Final = value(rb'"?(?:client-key-data|client-key|token|password)"?[ \t]*:[ \t]*"?([^\s"]+)')
_TERRAFORM: Final = CredentialFile(checks.CLOUD_CREDENTIALS, "Terraform credentials", setting(b"token"))
_STATE: Final = CredentialFile(checks.CLOUD_CREDENTIALS, "Secrets in Terraform's state", json_secret)
_GOOGLE: Final = "Google Cloud credentials"
_ALIBABA: Final = "Alibaba Cloud credentials"
_REGISTRY: Final = "Registry credentials"

VARIABLES: Final = CredentialFile(checks.CLOUD_CREDENTIALS, "Secrets in Terraform's variables", settings)
"""Files that end in `.tfvars`."""
KUBECONFIG: Final = CredentialFile(checks.KUBECONFIG, "A kubeconfig with credentials", _KUBECONFIG)
"""A file of any name that tells that it is one."""

BY_NAME: Final[dict[bytes, tuple[CredentialFile, ...]]] = {
    b"credentials": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "AWS credentials", setting(b"aws_secret_access_key"), b".aws"),
    ),
    b"config.json": (
        CredentialFile(checks.REGISTRY_CREDENTIALS, _REGISTRY, _AUTHS, b".docker"),
        CredentialFile(checks.CLOUD_CREDENTIALS, _ALIBABA, json_text(b"access_key_secret", b"sts_token"), b".aliyun"),
    ),
    b".dockercfg": (CredentialFile(checks.REGISTRY_CREDENTIALS, _REGISTRY, _AUTHS),),
    b".dockerconfigjson": (CredentialFile(checks.REGISTRY_CREDENTIALS, _REGISTRY, _AUTHS),),
    b"auth.json": (
        CredentialFile(checks.REGISTRY_CREDENTIALS, _REGISTRY, _AUTHS, b"containers"),
        CredentialFile(checks.REGISTRY_CREDENTIALS, _REGISTRY, _AUTHS, b"containers/*"),  # a folder for each user id
    ),
    b"application_default_credentials.json": (
        CredentialFile(checks.CLOUD_CREDENTIALS, _GOOGLE, json_text(b"refresh_token", b"private_key")),
    ),
    b"credentials.db": (CredentialFile(checks.CLOUD_CREDENTIALS, _GOOGLE, anything, b"gcloud"),),
    b"access_tokens.db": (CredentialFile(checks.CLOUD_CREDENTIALS, "Google Cloud tokens", anything, b"gcloud"),),
    b".boto": (
        CredentialFile(
            checks.CLOUD_CREDENTIALS,
            "Google Cloud or AWS credentials",
            setting(b"gs_oauth2_refresh_token", b"gs_secret_access_key", b"aws_secret_access_key"),
        ),
    ),
    b"accesstokens.json": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "Azure tokens", json_text(b"accessToken", b"refreshToken"), b".azure"),
    ),
    b"msal_token_cache.json": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "Azure tokens", json_text(b"secret"), b".azure"),
    ),
    b".ossutilconfig": (CredentialFile(checks.CLOUD_CREDENTIALS, _ALIBABA, setting(b"accessKeySecret")),),
    b".s3cfg": (CredentialFile(checks.CLOUD_CREDENTIALS, "S3 credentials", setting(b"secret_key")),),
    b"rclone.conf": (
        CredentialFile(
            checks.CLOUD_CREDENTIALS,
            "rclone credentials",
            setting(
                b"pass", b"password2?", b"token", b"secret_access_key", b"client_secret", b"service_account_credentials"
            ),
        ),
    ),
    b"config.yaml": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "DigitalOcean credentials", setting(b"access-token"), b"doctl"),
    ),
    b".databrickscfg": (
        CredentialFile(
            checks.CLOUD_CREDENTIALS, "Databricks credentials", setting(b"token", b"password", b"client_secret")
        ),
    ),
    b"credentials.tfrc.json": (CredentialFile(checks.CLOUD_CREDENTIALS, "Terraform credentials", json_text(b"token")),),
    b".terraformrc": (_TERRAFORM,),
    b"terraform.rc": (_TERRAFORM,),
    b"terraform.tfstate": (_STATE,),
    b"terraform.tfstate.backup": (_STATE,),
    b"config": (
        CredentialFile(checks.KUBECONFIG, "A kubeconfig with credentials", _KUBECONFIG, b".kube"),
        CredentialFile(checks.CLOUD_CREDENTIALS, "AWS credentials", setting(b"aws_secret_access_key"), b".aws"),
    ),
    b"k3s.yaml": (KUBECONFIG,),
}
"""By a file's name in lower case."""
