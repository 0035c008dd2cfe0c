"""The action of a row that opens its full history on the trace page."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from unfold.decorators import action

from records.translation import gettext_lazy as _
from web.panel.columns import Source, reader


def whole_story(page: str, source: Source) -> Callable[..., HttpResponse]:
    """The story of what `source` names: on its own `page` of the trace, or found by its text on the page `search`."""
    read = reader(source)

    @action(description=_("Whole story"), icon="timeline", permissions=["view"])
    def trace(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404(
                gettext("There is no {verbose_name} {object_id}.").format(
                    verbose_name=self.opts.verbose_name, object_id=object_id
                )
            )
        text = read(row)
        if page == "search":
            return HttpResponseRedirect(f"{reverse('trace:search')}?{urlencode({'q': text})}")
        return HttpResponseRedirect(reverse(f"trace:{page}", args=[text]))

    return trace  # type: ignore[no-any-return]
