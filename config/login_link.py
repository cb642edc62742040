"""The one-time login that `serve` prints: good for an hour and for one login, stored nowhere."""

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods


class LoginTokens(PasswordResetTokenGenerator):
    """Signed over the time of the last login, so that logging in uses a token up."""

    key_salt = "config.login_link"


tokens = LoginTokens()


def path_for_first_admin() -> str | None:
    """Where to log in as the administrator, made where there is none; None where one has a password."""
    admins = get_user_model()._default_manager.filter(is_superuser=True, is_active=True).order_by("pk")
    if any(admin.has_usable_password() for admin in admins):
        return None
    admin = admins.first() or User.objects.create_superuser(_free_name())
    return reverse("login-link", args=[admin.pk, tokens.make_token(admin)])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_link(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """A page with a button; the button logs in. (Opening a link must change nothing.)"""
    admin = get_user_model()._default_manager.filter(pk=pk, is_superuser=True, is_active=True).first()
    if admin is None or not tokens.check_token(admin, token):
        raise Http404("This login was used, or is older than an hour: start serve again for a new one.")
    if request.method != "POST":
        return render(request, "login_link.html", {"admin": admin})
    login(request, admin, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("admin:index")


def _free_name() -> str:
    taken = set(User.objects.values_list("username", flat=True))
    return next(
        name for name in ("admin", *(f"admin{n}" for n in range(2, len(taken) + 3))) if name not in taken
    )
